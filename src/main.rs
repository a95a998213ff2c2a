//! The program: see [`kirana::cli`].

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A shop's server rests most of the day; huge pages would hold 30 MiB for what fits in 10. Where the
    // system does not know them there is nothing to turn off.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    kirana::cli::main()
}
