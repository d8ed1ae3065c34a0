-- A run may be tried again, may be what a sweep is measured against, may break a constraint, and keeps the
-- end of its log.

alter table runs add column attempt integer default 0;
alter table runs add column baseline boolean default false;
alter table runs add column feasible boolean default true;
alter table runs add column log varchar;

-- Files of data that were seen, by what is in them.
create table datasets (
    digest varchar not null,
    name varchar not null,
    path varchar not null,
    bytes bigint not null,
    time timestamp not null
);
