# Runs the control binary for a test: to its end, on a terminal, or in the background.
#
#	run_ctl_on($member);
#	my $out = ctl_ok('info', 'info', '--format=json');
package PgbrCtlTest;
use strict;
use warnings;
use Exporter 'import';
use IPC::Run    ();
use PgbrSandbox qw(wait_for);
use Test::More;

our @EXPORT = qw(ctl ctl_fails ctl_ok finish on_terminal rows run_ctl_on start_ctl wait_output);

my ($member, $program);

# The member where it is run from now on.
sub run_ctl_on
{
	($member) = @_;
	$program = "$ENV{PGBR_BUILD}/pgbackrest_ctl";
	return;
}

# Run it: gives exit status, output, errors.
sub ctl
{
	my (@arguments) = @_;
	return $member->ctl(@arguments);
}

# Run it, and hold its exit status and standard error against what is expected; gives its output.
sub ctl_ok
{
	my ($name, @arguments) = @_;
	my ($status, $out, $errors) = ctl(@arguments);
	is($status, 0, "$name: exit status") or diag $errors;
	is($errors, '', "$name: nothing on standard error");
	return $out;
}

# The same where it must fail.
sub ctl_fails
{
	my ($name, $wanted, $pattern, @arguments) = @_;
	my ($status, $out, $errors) = ctl(@arguments);
	is($status, $wanted, "$name: exit status") or diag $out . $errors;
	like($errors, $pattern, "$name: message");
	return $out;
}

# Run it on a terminal so many columns wide: gives what the terminal was sent.
sub on_terminal
{
	my ($columns, @arguments) = @_;
	my $line = join ' ', map { "'" . s/'/'\\''/gr . "'" } $program, @arguments;
	my ($status, $out) =
	  $member->_command('', 'script', '-qec', "stty cols $columns rows 25; exec $line",
		'/dev/null');
	return ($status, $out);
}

# Start it in the background; wait_output and finish take what this gives.
sub start_ctl
{
	my (@arguments) = @_;
	my %run = (out => '', errors => '');
	$run{handle} =
	  IPC::Run::start([ $program, @arguments ], '<', \undef, '>', \$run{out}, '2>', \$run{errors});
	return \%run;
}

# Wait until it has written what matches.
sub wait_output
{
	my ($run, $stream, $pattern) = @_;
	wait_for { $run->{handle}->pump_nb; $run->{$stream} =~ $pattern } "output like $pattern";
	return;
}

# Wait until it ends: gives its exit status, or "signal".
sub finish
{
	my ($run) = @_;
	wait_for { $run->{handle}->pump_nb if $run->{handle}->pumpable; !$run->{handle}->pumpable }
	'its end', 60;
	$run->{handle}->finish;
	my $status = $run->{handle}->full_result(0);
	return $status & 127 ? 'signal' : $status >> 8;
}

# What --format=tsv printed: a hash a row, by the names of the columns.
sub rows
{
	my ($tsv) = @_;
	my ($header, @lines) = split /\n/, $tsv;
	my @names = split /\t/, $header;
	return map {
		my %row;
		@row{@names} = split /\t/, $_, -1;
		\%row
	} @lines;
}

1;
