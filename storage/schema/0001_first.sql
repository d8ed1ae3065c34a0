-- Times are UTC. One row a run, one long table of metric points in arrival order; no index but where a
-- question was measured to need it.

create table sweeps (
    id bigint not null,
    key varchar not null,
    name varchar not null,
    state varchar not null,
    reason varchar,
    directions varchar[] not null,
    metrics varchar[] not null,
    trials integer,
    workers integer,
    sampler varchar,
    pruner varchar,
    seed bigint,
    driver json,
    writer varchar,
    provenance varchar,
    user_attrs json not null,
    system_attrs json not null,
    started timestamp,
    ended timestamp
);

create table runs (
    id bigint not null,
    key varchar not null,
    name varchar not null,
    sweep bigint,
    number integer,
    state varchar not null,
    reason varchar,
    params json not null,
    distributions json not null,
    "values" double[],
    metrics map(varchar, double) not null,
    step bigint,
    user_attrs json not null,
    system_attrs json not null,
    provenance varchar,
    resources json,
    writer varchar,
    started timestamp,
    ended timestamp
);

create table metrics (
    run bigint not null,
    name varchar not null,
    step bigint not null,
    time timestamp not null,
    value double not null
);

-- Which params and metrics a sweep's runs have, in the order first seen.
create table names (
    sweep bigint,
    kind varchar not null,
    name varchar not null,
    position bigint not null
);

create table provenance (
    digest varchar not null,
    content json not null
);

-- How far each spool file has been read, in bytes; moves in the transaction that adds its rows.
create table spools (
    file varchar not null,
    position bigint not null
);

-- Lines that could not be understood, kept as they were.
create table quarantine (
    file varchar not null,
    position bigint not null,
    problem varchar not null,
    line varchar not null,
    seen timestamp not null
);
