-- Versions of models, and the aliases that were moved onto them.

-- What was registered, once and for good; `content` says where it comes from and which rules belong to it.
create table models (
    model varchar not null,
    number integer not null,
    digest varchar not null,
    run bigint not null,
    bundle varchar not null,
    content json not null,
    time timestamp not null
);

-- Nothing is ever taken out of this: what an alias means is its last move.
create table promotions (
    model varchar not null,
    number integer not null,
    alias varchar not null,
    from_digest varchar,
    to_digest varchar,
    how varchar not null,
    who varchar not null,
    reason varchar,
    evidence json not null,
    time timestamp not null
);
