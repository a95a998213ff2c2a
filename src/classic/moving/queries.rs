//! All SQL for where things came from.

crate::statements! {
    /// What an import brought of a kind, in the order of the ids here.
    pub(super) BROUGHT(Int, Text, Int, Int) -> (i64,) =
        "select local_id from moved_rows where import_id = $1 and kind = $2 and brought = 1 and local_id > $3
         order by local_id limit $4";
    pub(super) FORGET(Int) = "delete from moved_rows where import_id = $1";
}

crate::bulks! {
    pub(super) FIND(Text, Text, Text) -> (String, i64) =
        each "select external_id, local_id from moved_rows where source = $1 and kind = $2 and external_id = $3",
        set "select m.external_id, m.local_id from unnest({rows}) as asked(source, kind, id)
             join moved_rows m on m.source = asked.source and m.kind = asked.kind and m.external_id = asked.id";
}

crate::inserts! {
    pub(super) INSERT into moved_rows (source Text, kind Text, external_id Text, local_id Int, import_id Int, brought Int) "";
}
