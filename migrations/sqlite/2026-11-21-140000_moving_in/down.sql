-- Forgets where things came from; the things themselves stay.
drop table moved_rows;
