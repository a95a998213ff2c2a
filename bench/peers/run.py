#!/usr/bin/env python3
"""Starts the typical peer (flask_shop) for the benchmark; standard library only.

    python3.11 run.py --cache DIR --database postgres://USER@127.0.0.1:PORT/DBNAME

Prints one line of JSON on stdout once the shop answers: {"url": ..., "token": ..., "pids": [master, worker, worker]}.
Runs until stdin is closed, or SIGTERM or SIGINT comes, and then stops gunicorn. Everything else goes to stderr.
"""

import argparse
import ctypes
import fcntl
import hashlib
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHOP = HERE / "flask_shop"
REQUIREMENTS = HERE / "requirements.txt"
CUSTOMER_EMAIL = "customer@example.com"
WORKERS = 2
THREADS = 8
START_SECONDS = 60
STOP_SECONDS = 15
PR_SET_PDEATHSIG = 1
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy, whatever the environment says


def log(message):
    print(f"peer: {message}", file=sys.stderr, flush=True)


def prepare_venv(cache):
    """The Python of a virtual environment that holds the pinned requirements; built once per version of them."""
    key = hashlib.sha256(sys.version.encode() + REQUIREMENTS.read_bytes()).hexdigest()[:16]
    venv = cache / f"venv-{key}"
    python, complete = venv / "bin" / "python", venv / "complete"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs may share the cache
        if complete.exists():
            return python
        shutil.rmtree(venv, ignore_errors=True)
        log(f"installing the requirements into {venv}")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([sys.executable, "-m", "venv", venv], check=True, stdout=sys.stderr)
        subprocess.run([*pip, "--only-binary", ":all:", "-r", REQUIREMENTS], check=True, stdout=sys.stderr)
        complete.touch()
    return python


def end_with_parent():
    """In the child: get SIGTERM when run.py dies, even by SIGKILL, so that no gunicorn is left behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start_gunicorn(python, environment):
    """Gunicorn on a free port of 127.0.0.1. The socket is bound here and inherited, so nobody can take the port."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        command = [python, "-m", "gunicorn", "-w", WORKERS, "-k", "gthread", "--threads", THREADS]
        command += ["-b", f"fd://{server.fileno()}", "--no-control-socket", "app:app"]
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=SHOP,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            pass_fds=[server.fileno()],
            preexec_fn=end_with_parent,
        )
    return process, url


def call(url, body=None, token=None):
    """The parsed JSON answer of one request; OSError when there is no answer, or an error status."""
    request = urllib.request.Request(url, headers={"Content-Type": "application/json"})
    if body is not None:
        request.data = json.dumps(body).encode()
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    with DIRECT.open(request, timeout=10) as response:
        return json.load(response)


def wait_until_ready(process, url, password):
    """Logs the customer in, as soon as the shop answers; returns the token."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        if process.poll() is not None:
            raise SystemExit(f"peer: gunicorn ended with status {process.returncode}")
        try:
            return call(f"{url}/api/auth/login", {"email": CUSTOMER_EMAIL, "password": password})["token"]
        except OSError as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"peer: no answer within {START_SECONDS} s: {error}")
            time.sleep(0.05)


def warm_up(url, token):
    """A few reads at once, so that the workers have their threads and their database connections."""
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: call(f"{url}/api/products?limit=50", token=token), range(160)))


def children(pid):
    """The child processes of a process, oldest first."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended meanwhile
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry))
    return sorted(found)


def stop_gunicorn(process):
    """A clean stop (SIGTERM lets the requests under way finish), or a kill when that takes too long."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        log("gunicorn does not stop: killing it")
        for worker in children(process.pid):
            os.kill(worker, signal.SIGKILL)
        process.kill()
        process.wait()
    log(f"gunicorn has ended with status {process.returncode}")


def wait_for_the_end(process):
    """Returns when stdin is closed; ends with an error when gunicorn ends by itself."""
    while process.poll() is None:
        readable, _, _ = select.select([sys.stdin], [], [], 0.5)
        if readable and not os.read(sys.stdin.fileno(), 4096):
            return
    raise SystemExit(f"peer: gunicorn ended with status {process.returncode}")


def stop_on_signal(number, _frame):
    log(f"stopping on {signal.Signals(number).name}")
    sys.exit(0)


def arguments():
    parser = argparse.ArgumentParser(description="Start the typical Flask + PostgreSQL peer for the benchmark.")
    parser.add_argument("--cache", type=Path, required=True, help="directory of the virtual environment")
    parser.add_argument("--database", required=True, help="postgres://USER@127.0.0.1:PORT/DBNAME")
    parser.add_argument("--products", type=int, default=1000)
    parser.add_argument("--stock", type=int, default=10_000_000, help="of each product")
    return parser.parse_args()


def main():
    options = arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop_on_signal)
    python = prepare_venv(options.cache.resolve())

    password = os.environ.get("SHOP_PASSWORD") or secrets.token_urlsafe(24)
    environment = dict(
        os.environ,
        DATABASE_URL=options.database,
        SHOP_PASSWORD=password,
        JWT_SECRET_KEY=secrets.token_hex(32),
        PYTHONDONTWRITEBYTECODE="1",  # no __pycache__ in the repository
    )
    seed = [python, "app.py", "seed", "--products", str(options.products), "--stock", str(options.stock)]
    subprocess.run(seed, cwd=SHOP, env=environment, check=True, stdout=sys.stderr)

    process, url = start_gunicorn(python, environment)
    try:
        token = wait_until_ready(process, url, password)
        warm_up(url, token)
        workers = children(process.pid)
        if len(workers) != WORKERS:
            raise SystemExit(f"peer: {len(workers)} workers instead of {WORKERS}")
        print(json.dumps({"url": url, "token": token, "pids": [process.pid, *workers]}), flush=True)
        wait_for_the_end(process)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        stop_gunicorn(process)


if __name__ == "__main__":
    main()
