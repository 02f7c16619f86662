"""What the index counts by itself, so that nobody has to when it is asked."""

# How many issues there are of each kind, in all (label '') and with each label, and how
# many actors wrote anything: kept by whatever changes them.
TRIGGERS = {
    "issues_counted": """after insert on issues begin
        insert into tallies values ('', new.archived, new.status, new.category, new.blocked, 1)
            on conflict do update set n = n + 1;
    end""",
    "issues_recounted": """after update of status, category, archived, blocked on issues
        when old.status != new.status or old.category != new.category or old.archived != new.archived
            or old.blocked != new.blocked
    begin
        update tallies set n = n - 1
            where (label = '' or label in (select label from labels where issue = old.key))
            and archived = old.archived and status = old.status and category = old.category and blocked = old.blocked;
        insert into tallies
            select label, new.archived, new.status, new.category, new.blocked, 1
            from (select '' as label union all select label from labels where issue = new.key) where true
            on conflict do update set n = n + 1;
    end""",
    "issues_updated_labels": """after update of updated on issues when old.updated != new.updated begin
        update labels set updated = new.updated where issue = new.key;
    end""",
    "actors_counted": """after insert on actors when new.entries > 0 begin
        insert into meta values ('agents', 1) on conflict do update set value = value + 1;
    end""",
    "actors_recounted": """after update of entries on actors when (old.entries > 0) != (new.entries > 0) begin
        insert into meta values ('agents', 1) on conflict do update set value = value + (new.entries > 0) - (old.entries > 0);
    end""",
    "labels_counted": """after insert on labels begin
        insert into tallies select new.label, archived, status, category, blocked, 1 from issues where key = new.issue
            on conflict do update set n = n + 1;
    end""",
    "labels_uncounted": """after delete on labels begin
        update tallies set n = n - 1 where label = old.label and (archived, status, category, blocked)
            = (select archived, status, category, blocked from issues where key = old.issue);
    end""",
}
