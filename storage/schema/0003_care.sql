-- What keeps the store whole over years: whose file a read position belongs to, what may never come back,
-- and which spool files have been proven and removed.

alter table spools add column born double default 0;

-- Sweeps and runs that were deleted for good: what a spool still says of them is passed over. `sweep` and
-- `number` keep a trial's place in its study.
create table deleted (
    id bigint not null,
    sweep bigint,
    number integer,
    time timestamp not null
);

-- Spool files that lie in the drained folder, or lay there: `proven` by a check, `removed` to give space back.
create table retired (
    file varchar not null,
    bytes bigint not null,
    proven timestamp,
    removed timestamp
);
