"""A small shop: Flask, Flask-SQLAlchemy, PostgreSQL, JWT.

This is the "typical peer" of Kirana's benchmark. It is written the way a competent Python developer would write it,
and it is correct under concurrent orders.

    DATABASE_URL=postgres://... SHOP_PASSWORD=... python app.py seed --products 1000
    DATABASE_URL=postgres://... JWT_SECRET_KEY=... gunicorn -w 2 -k gthread --threads 8 app:app
"""

import argparse
import os
from datetime import datetime, timedelta
from decimal import Decimal

from flask import Flask, abort, jsonify, request
from flask_jwt_extended import JWTManager, create_access_token, get_jwt_identity, jwt_required
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import CheckConstraint, ForeignKey, MetaData, Numeric, func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.schema import CreateSchema, DropSchema
from werkzeug.exceptions import HTTPException
from werkzeug.security import check_password_hash, generate_password_hash

SCHEMA = "flask_shop"  # everything lives here, so that seeding can never drop anybody else's tables
CUSTOMER_EMAIL = "customer@example.com"
PAYMENT_METHODS = ("Cash", "Card", "UPI")
MAX_PAGE = 200
MAX_LINES = 100
MAX_QUANTITY = 10_000
MAX_ID = 2**31 - 1


class Base(DeclarativeBase):
    metadata = MetaData(schema=SCHEMA)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
jwt = JWTManager()
app = Flask(__name__)
app.config.update(
    SQLALCHEMY_DATABASE_URI="postgresql+psycopg2://" + os.environ["DATABASE_URL"].partition("://")[2],
    SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 8},  # one connection per thread
    JWT_SECRET_KEY=os.environ.get("JWT_SECRET_KEY"),
    JWT_ACCESS_TOKEN_EXPIRES=timedelta(hours=12),
)
db.init_app(app)
jwt.init_app(app)


class User(db.Model):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    role: Mapped[str]


class Product(db.Model):
    __tablename__ = "products"
    __table_args__ = (CheckConstraint("stock >= 0", name="stock_not_negative"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    category: Mapped[str]
    price: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    stock: Mapped[int]

    def to_dict(self):
        return {
            "id": str(self.id),
            "name": self.name,
            "category": self.category,
            "price": float(self.price),
            "stock": self.stock,
        }


class Order(db.Model):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    total: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lines: Mapped[list["OrderLine"]] = relationship()
    payments: Mapped[list["Payment"]] = relationship()
    stock_moves: Mapped[list["StockMove"]] = relationship()


class OrderLine(db.Model):
    __tablename__ = "order_lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey(Order.id), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id))
    quantity: Mapped[int]
    price: Mapped[Decimal] = mapped_column(Numeric(12, 2))


class Payment(db.Model):
    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey(Order.id), index=True)
    method: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2))


class StockMove(db.Model):
    __tablename__ = "stock_moves"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey(Order.id), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id), index=True)
    quantity: Mapped[int]  # negative: goods went out
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


@app.errorhandler(HTTPException)
def json_error(error):
    return jsonify(error=error.description), error.code


def json_object():
    body = request.get_json()
    if not isinstance(body, dict):
        abort(400, "The body must be a JSON object")
    return body


def wanted_quantities(items):
    """The quantity wanted of each product id; lines of the same product are added up."""
    if not isinstance(items, list) or not 0 < len(items) <= MAX_LINES:
        abort(400, f"An order has 1 to {MAX_LINES} items")
    wanted = {}
    for item in items:
        try:
            product_id, quantity = int(item["id"]), item["quantity"]
        except (KeyError, TypeError, ValueError, OverflowError):
            abort(400, "Every item needs an id and a quantity")
        if not 0 < product_id <= MAX_ID:
            abort(400, f"Product {product_id} not found")
        if type(quantity) is not int or not 0 < quantity <= MAX_QUANTITY:
            abort(400, f"A quantity is a whole number from 1 to {MAX_QUANTITY}")
        wanted[product_id] = wanted.get(product_id, 0) + quantity
    return wanted


@app.post("/api/auth/login")
def login():
    body = json_object()
    user = db.session.scalar(select(User).where(User.email == str(body.get("email"))))
    if user is None or not check_password_hash(user.password_hash, str(body.get("password"))):
        abort(401, "Invalid credentials")
    return jsonify(token=create_access_token(identity=str(user.id)), userRole=user.role)


@app.get("/api/products")
@jwt_required()
def list_products():
    limit = min(max(request.args.get("limit", 50, type=int), 1), MAX_PAGE)
    products = db.session.scalars(select(Product).order_by(Product.id).limit(limit))
    return jsonify([product.to_dict() for product in products])


@app.post("/api/orders")
@jwt_required()
def place_order():
    body = json_object()
    wanted = wanted_quantities(body.get("items"))
    method = body.get("paymentMethod")
    if method not in PAYMENT_METHODS:
        abort(400, f"The payment method is one of {', '.join(PAYMENT_METHODS)}")

    # The rows are locked in id order, so that two orders can never wait for each other. They stay locked until the
    # commit; an abort() leaves the transaction to Flask-SQLAlchemy, which rolls it back when the request ends.
    locked = select(Product).where(Product.id.in_(wanted)).order_by(Product.id).with_for_update()
    products = {product.id: product for product in db.session.scalars(locked)}

    order = Order(customer_id=int(get_jwt_identity()), total=Decimal(0))
    for product_id, quantity in wanted.items():
        product = products.get(product_id)
        if product is None:
            abort(400, f"Product {product_id} not found")
        if product.stock < quantity:
            abort(409, f"Insufficient stock for {product.name}. Available: {product.stock}")
        product.stock -= quantity
        order.total += product.price * quantity
        order.lines.append(OrderLine(product_id=product_id, quantity=quantity, price=product.price))
        order.stock_moves.append(StockMove(product_id=product_id, quantity=-quantity))
    order.payments.append(Payment(method=method, amount=order.total))
    db.session.add(order)
    db.session.commit()
    return jsonify(orderId=str(order.id), total=float(order.total), itemCount=len(body["items"])), 201


@app.post("/api/noop")
@jwt_required()
def noop():
    """What a request costs before the shop does anything: HTTP, log-in check and reading the body."""
    return jsonify(items=len(wanted_quantities(json_object().get("items"))))


def seed(product_count, stock, password):
    with app.app_context():
        db.session.execute(DropSchema(SCHEMA, cascade=True, if_exists=True))
        db.session.execute(CreateSchema(SCHEMA))
        db.session.commit()
        db.create_all()
        db.session.add(User(email=CUSTOMER_EMAIL, password_hash=generate_password_hash(password), role="customer"))
        categories = ("Grains", "Pulses", "Spices", "Dairy", "Snacks")
        for n in range(1, product_count + 1):
            name, category = f"Product {n:05}", categories[n % len(categories)]
            db.session.add(Product(name=name, category=category, price=Decimal(1000 + n * 37 % 9000) / 100, stock=stock))
        db.session.commit()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"VACUUM ANALYZE {SCHEMA}.products"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Set up the shop's database.")
    command = parser.add_subparsers(dest="command", required=True).add_parser("seed")
    command.add_argument("--products", type=int, default=1000)
    command.add_argument("--stock", type=int, default=10_000_000)
    arguments = parser.parse_args()
    seed(arguments.products, arguments.stock, os.environ["SHOP_PASSWORD"])
