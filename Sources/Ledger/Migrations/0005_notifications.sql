-- What buyers are told, and how they are reached. Written by the processes that send notifications only: no commit of an
-- order touches these tables, and no other table refers to them, so that a contact can be erased.

CREATE TABLE stampede.contacts (
    sale     bigint NOT NULL,
    buyer    bigint NOT NULL,
    mail     text CHECK (octet_length(mail) <= 254),
    phone    text CHECK (octet_length(phone) <= 16),
    language text NOT NULL CHECK (language IN ('zh', 'en')),
    set_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sale, buyer),
    CONSTRAINT contacts_reach CHECK (mail IS NOT NULL OR phone IS NOT NULL)
);
CREATE INDEX contacts_by_age ON stampede.contacts (set_at);
COMMENT ON TABLE stampede.contacts IS
    'How a buyer of a sale is reached. The only place where addresses are; erased by contact.erase and by age.';

-- One row per event and channel: made before anything is sent, so that a second delivery of the event finds it.
CREATE TABLE stampede.notifications (
    event     text COLLATE "C" NOT NULL CHECK (octet_length(event) <= 64),
    channel   text COLLATE "C" NOT NULL CHECK (channel IN ('mail', 'sms', 'contact', 'event')),
    state     text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'sending', 'sent', 'dead', 'skipped')),
    sale      bigint NOT NULL,
    buyer     bigint NOT NULL,
    occasion  text NOT NULL,
    about     text NOT NULL,
    units     bigint NOT NULL,
    happened  timestamptz NOT NULL,
    until     timestamptz,
    why       text,
    since     timestamptz NOT NULL,
    tries     integer NOT NULL DEFAULT 0,
    failures  integer NOT NULL DEFAULT 0,
    next_at   timestamptz NOT NULL,
    reason    text,
    reference text,
    changed   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event, channel)
);
CREATE INDEX notifications_due ON stampede.notifications (channel, next_at) WHERE state IN ('due', 'sending');
CREATE INDEX notifications_of_buyer ON stampede.notifications (sale, buyer) WHERE state IN ('due', 'sending', 'dead');
CREATE INDEX notifications_dead ON stampede.notifications (changed) WHERE state = 'dead';
CREATE INDEX notifications_over ON stampede.notifications (changed) WHERE state IN ('sent', 'skipped');
COMMENT ON COLUMN stampede.notifications.channel IS
    'mail, sms; contact: waits for its buyer''s contact; event: an item of the stream that cannot be read.';
COMMENT ON COLUMN stampede.notifications.about IS 'The order.';
COMMENT ON COLUMN stampede.notifications.since IS 'Too old when this is: the event''s time, or that of an operator''s retry.';
COMMENT ON COLUMN stampede.notifications.tries IS 'Raised by every claim: whoever holds an older number may not store an outcome.';
COMMENT ON COLUMN stampede.notifications.failures IS 'Attempts that count against the limit.';
COMMENT ON COLUMN stampede.notifications.next_at IS 'Due: not before this. Sending: the claim ends then.';
COMMENT ON COLUMN stampede.notifications.reference IS 'The provider''s name for the message.';
