"""Client of Stampede, the flash-sale order engine: asyncio and blocking, over ZeroMQ."""

from .client import Client
from .client_async import AsyncClient
from .core.backoff import Backoff
from .core.settings import Settings
from .errors import CallError, FailureDetails
from .interceptors import (
    CallContext,
    CallMetrics,
    CallOutcome,
    Interceptor,
    log_calls,
    measure_calls,
)
from .keys import RequestKey
from .locks import Lock, LockLost
from .messages import (
    BrokerReport,
    BrokerStatus,
    Contact,
    ErasedContact,
    FieldDescription,
    Gate,
    Health,
    HeldLock,
    MethodDescription,
    MethodSummary,
    Order,
    OrderAnswer,
    OrderList,
    OrderRequest,
    PartitionOwner,
    Reply,
    Sale,
    SaleList,
    Settlement,
    TypeDescription,
    WaitState,
    WorkerStatus,
)
from .options import CallOptions, Route
from .security import KeyPair, Security
from .streams import Bidirectional, ClientStream, ServerStream
from .streams_async import AsyncBidirectional, AsyncClientStream, AsyncServerStream
from .tracing import continue_trace, current_traceparent, trace_calls
from .wire.methods import Method, Routing, StreamKind
from .wire.status import Certainty, Priority, Reason, Status

__all__ = [
    "AsyncBidirectional",
    "AsyncClient",
    "AsyncClientStream",
    "AsyncServerStream",
    "Backoff",
    "Bidirectional",
    "BrokerReport",
    "BrokerStatus",
    "CallContext",
    "CallError",
    "CallMetrics",
    "CallOptions",
    "CallOutcome",
    "Certainty",
    "Client",
    "ClientStream",
    "Contact",
    "ErasedContact",
    "FailureDetails",
    "FieldDescription",
    "Gate",
    "Health",
    "HeldLock",
    "Interceptor",
    "KeyPair",
    "Lock",
    "LockLost",
    "Method",
    "MethodDescription",
    "MethodSummary",
    "Order",
    "OrderAnswer",
    "OrderList",
    "OrderRequest",
    "PartitionOwner",
    "Priority",
    "Reason",
    "Reply",
    "RequestKey",
    "Route",
    "Routing",
    "Sale",
    "SaleList",
    "Security",
    "ServerStream",
    "Settings",
    "Settlement",
    "Status",
    "WaitState",
    "StreamKind",
    "TypeDescription",
    "WorkerStatus",
    "continue_trace",
    "current_traceparent",
    "log_calls",
    "measure_calls",
    "trace_calls",
]
