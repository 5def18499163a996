# The rows of docs/bench.md: what is claimed, what was measured, its limit as it is written, and
# whether it holds. What is being done is told on stderr.
package BenchRows;
use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(at at_most row rows);

my @rows;

sub at   { print STDERR "bench: @_\n"; return }
sub rows { return \@rows }

sub row
{
	my ($claim, $measured, $limit, $holds) = @_;
	at("$claim: $measured" . ($holds ? '' : ", MISSED: $limit"));
	push @rows,
	  { claim => $claim, measured => $measured, limit => $limit, holds => $holds ? 1 : 0 };
	return;
}

sub at_most
{
	my ($claim, $value, $most, $unit, $digits) = @_;
	row($claim, sprintf("%.${digits}f %s", $value, $unit), "≤ $most $unit", $value <= $most);
	return;
}

1;
