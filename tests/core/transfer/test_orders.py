"""What a worker and whoever starts it tell each other."""

import pytest
from pydantic import SecretStr

from core.errors import Code, ExitCode, JobError, RegistryError
from core.registry.credentials import Credentials
from core.transfer.orders import Begun, Orders, in_parts

PASSWORD = "s3cret'\"$`\\ ü\n:@"


@pytest.mark.parametrize(
    "orders",
    [
        Orders(),
        Orders(restart=True),
        Orders(written_over=("Trust: no CA file (EKS Anywhere would refuse this)",)),
        Orders(written_over=()),
        Orders(Credentials("robot$eks-a", SecretStr(PASSWORD), "keyring")),
        Orders(Credentials("", SecretStr(PASSWORD), "docker config", is_identity_token=True), True),
    ],
)
def test_orders_arrive_as_they_were_given(orders: Orders) -> None:
    arrived = Orders.load(orders.dump())
    assert arrived == orders
    if orders.credentials:
        assert arrived.credentials
        assert arrived.credentials.password.get_secret_value() == PASSWORD


def test_the_password_shows_nowhere_but_in_the_pipe() -> None:
    orders = Orders(Credentials("robot", SecretStr("hidden-away"), "flags"))
    for shown in (repr(orders), str(orders), repr(Orders.load(orders.dump())), f"{orders}"):
        assert "hidden-away" not in shown


def test_a_good_beginning_is_told() -> None:
    assert Begun.load(Begun().dump()) == Begun()


def test_why_it_did_not_begin_is_told_in_full() -> None:
    error = JobError(
        Code.JOB_RUNNING, "Another worker is at it.", where="/f", cause="It is.", mend="Wait."
    )
    told = Begun.load(Begun(error).dump()).error
    assert told
    assert in_parts(told) == in_parts(error)
    assert isinstance(told, JobError)


def test_an_error_in_parts_has_the_exit_code_that_it_means() -> None:
    error = RegistryError(Code.LOGIN_REFUSED, "No.", where="https://h/v2/", status=401)
    parts = in_parts(error)
    assert parts["code"] == "login-refused"
    assert parts["exit"] == str(int(ExitCode.CHECK_FAILED))
    assert parts["cause"]
    assert parts["mend"]
