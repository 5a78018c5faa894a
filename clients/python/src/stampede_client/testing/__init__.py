"""A cluster in the test's own process, for the tests of services that use the client.

`FakeServer` speaks the clients' side of the protocol over real sockets; the pytest fixture `stampede_fake`
gives one.
"""

from .calls import Refusal, ServerCall
from .faults import RecordedCall
from .sales import FakeSales
from .server import FakeServer

__all__ = ["FakeSales", "FakeServer", "RecordedCall", "Refusal", "ServerCall"]
