-- What people add to runs, and the trash.

alter table runs add column tags varchar[] default [];
alter table runs add column note varchar;
alter table runs add column pinned boolean default false;
alter table runs add column trashed timestamp;
alter table sweeps add column trashed timestamp;
