-- Datasets beyond a file's name and digest, how evaluation sets grew, and what runs predicted.

-- What is true of a content, whoever registers it: rows, columns, key, profile.
create table dataset_facts (
    digest varchar not null,
    content json not null
);

-- Why a version of a dataset came to be from an earlier one.
create table dataset_growth (
    name varchar not null,
    digest varchar not null,
    parent varchar not null,
    reason varchar,
    run bigint,
    added bigint not null,
    source varchar,
    time timestamp not null
);

-- A run's answers on a version of an evaluation set: one file, the last one counts.
create table predictions (
    run bigint not null,
    evaluation varchar not null,
    dataset varchar not null,
    file varchar not null,
    digest varchar not null,
    "rows" bigint not null,
    columns varchar[] not null,
    time timestamp not null
);
