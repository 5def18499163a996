# The fault table of a restore, every third case of it: see PgbrFaults.
use strict;
use warnings;
use PgbrFaults;

run_faults(0);
