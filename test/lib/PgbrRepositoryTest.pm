# What tests of repositories share: jobs run to their end, how they fail, what readyz says, and a
# restore into another folder that is started there.
package PgbrRepositoryTest;
use strict;
use warnings;
use Exporter 'import';
use File::Path qw(make_path);
use JSON::PP;
use PgbrSandbox qw(wait_for);
use Test::More;

our @EXPORT = qw(is_failure readyz_says restored run_job);

my $json = JSON::PP->new->canonical->pretty;

# Run a job (a backup, when nothing else is said) and give it as it ended.
sub run_job
{
	my ($member, %job) = @_;
	my $sidecar = $member->sidecar;
	return $sidecar->wait_job($sidecar->post_job(kind => 'backup', %job)->{id}, undef, 90);
}

# A job that failed with this exit code and name, and whose message and hint say this.
sub is_failure
{
	my ($job, $exit_code, $error, $message, $hint, $name) = @_;
	my @outcome = map { $_ // 'null' } @$job{qw(state exit_code error)};
	my $ok =
		 "@outcome" eq "failed $exit_code $error"
	  && $job->{message} =~ $message
	  && ($job->{hint} // '') =~ $hint;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($ok, $name) or diag $json->encode($job);
	return;
}

# Wait until readyz answers with this status, and with this message about the repository.
sub readyz_says
{
	my ($member, $status, $message, $name) = @_;
	my $answer;
	my $ok = eval {
		wait_for
		{
			$answer = $member->sidecar->http(GET => '/readyz');
			my ($check) = grep { $_->{name} eq 'repository' } @{ $answer->{json}{checks} };
			$answer->{status} == $status && $check->{message} =~ $message
		}
		'readyz to say so', 45;
	};
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($ok, $name) or diag $answer->{content};
	return;
}

# Restore into another folder with these options of pgbackrest, run the server until its recovery
# has ended, and give what it answers to a query.
sub restored
{
	my ($member, $query, @options) = @_;
	my $sandbox = $member->{sandbox};
	my $number = ++$sandbox->{restored};
	my $dir = "$sandbox->{root}/restored$number";
	make_path($dir, "$dir/socket", { mode => 0700 });
	# it clears the spool, where archive-push of the original may be at work
	my @spool = $member->{cluster}{pgbackrest}{'archive-async'} ? "--spool-path=$dir/spool" : ();
	$member->pgbackrest("--pg1-path=$dir/data", @spool, @options, 'restore');
	my %settings = (
		port => $sandbox->port,
		unix_socket_directories => "$dir/socket",
		listen_addresses => '',
		archive_mode => 'off',
		shared_preload_libraries => '');
	my $pid = $sandbox->spawn($dir, "restored$number", $member->bindir . '/postgres',
		'-D', "$dir/data", map { ('-c', "$_=$settings{$_}") } sort keys %settings);
	my $conninfo = "host=$dir/socket port=$settings{port} user=postgres dbname=postgres";
	my $ask = sub {
		my ($status, $out, $errors) = $member->_command($_[0], 'psql', '-XqAt', '-d', $conninfo);
		die $errors if $status;
		chomp $out;
		return $out;
	};
	wait_for
	{
		$sandbox->alive($pid) or die "it has ended\n";
		$ask->('SELECT pg_is_in_recovery()') eq 'f'
	}
	'the recovery of the restored copy to end', 60;
	my $answer = $ask->($query);
	$sandbox->end($pid, 'INT');
	return $answer;
}

1;
