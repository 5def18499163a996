# Members that do not answer: status, plan and doctor ask all at once, wait 5 s for a connection,
# give a reason for each, and name what to do. Patroni and one sidecar are servers of our own; the
# other sidecars are behind a firewall that drops packets, for which a listener with a full queue
# stands.
use strict;
use warnings;
use IO::Socket::INET;
use IPC::Run ();
use JSON::PP;
use PgbrSandbox       qw(spew wait_for);
use PgbrStrangeServer qw(answer);
use Test::More;
use Time::HiRes qw(time);

my $sandbox = PgbrSandbox->new;
delete @ENV{ grep { /^PGBRCTL_/ } keys %ENV };
$ENV{HOME} = $sandbox->{root};

my @sockets;

sub dropping
{
	my $listener = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
	  or die "listen: $!\n";
	my @callers = map {
		IO::Socket::INET->new(
			PeerAddr => '127.0.0.1',
			PeerPort => $listener->sockport,
			Blocking => 0)
	} 1 .. 4;
	push @sockets, $listener, @callers;
	return 'http://127.0.0.1:' . $listener->sockport;
}

my @dropping = map { dropping() } 1 .. 3;
my @members =
  map { { name => "m$_", role => 'replica', state => 'running', timeline => 1 } } 1 .. 3;
$members[0]{role} = 'leader';
my %plain = (
	state => 'running',
	role => 'master',
	timeline => 1,
	patroni => { version => '3.0.2', scope => 'pgbr' });
my %answers = (
	'/cluster' => { members => \@members, pause => JSON::PP::false },
	'/patroni' => \%plain,
	'/v1/restores?limit=10' => { restores => [] });
my $server =
  PgbrStrangeServer->new($sandbox, { x => sub { answer($_[0], $answers{ $_[1]{path} } // {}) } });
my $url = $server->url . '/x';

# Run it: gives exit status, what it printed, and how long that took.
sub ctl
{
	my (@arguments) = @_;
	my $begun = time;
	IPC::Run::run([ "$ENV{PGBR_BUILD}/pgbackrest_ctl", @arguments ], '<', \undef, '>&', \my $all);
	return ($? >> 8, $all, time - $begun);
}

my @patroni = ("--patroni-url=$url");
my @where =
  (@patroni, "--sidecar=m1=$url", "--sidecar=m2=$dropping[1]", "--sidecar=m3=$dropping[2]");
wait_for { (ctl('status', @where[ 0, 1 ]))[1] =~ /^m1 .* answers/m } 'our servers';

my ($status, $all, $seconds) = ctl('status', @where);
is($status, 0, 'status: exit status') or diag $all;
like(
	$all,
	qr/the sidecar of member "$_" can't be asked: could not connect to the sidecar: no connection within 5 s/,
	"status: why $_ does not answer") for qw(m2 m3);
like(
	$all,
	qr/--listen=ADDRESS:8430.*--token-file=FILE.*PGBRCTL_SIDECARS.*ctl\.yaml/,
	'status: what to do');
cmp_ok($seconds, '<', 9, 'status: they are asked at once');

my @none = (@patroni, map { "--sidecar=m$_=$dropping[$_ - 1]" } 1 .. 3);
for my $verb ('status', 'plan')
{
	($status, $all, $seconds) = ctl($verb, @none);
	is($status, 3, "$verb, nobody answers: exit status") or diag $all;
	like(
		$all,
		qr/detail: (?:The sidecar of "m\d": .*?no connection within 5 s\. ?){3}$/m,
		"$verb, nobody answers: a reason for each");
	cmp_ok($seconds, '<', 9, "$verb, nobody answers: asked at once");
}
($status, $all, $seconds) = ctl('doctor', @none);
is($status, 1, 'doctor: exit status');
is( (() =
		  $all =~
		  /^  fail +sidecar +could not connect to the sidecar: no connection within 5 s$/mg),
	3,
	'doctor: a line for each') or diag $all;
cmp_ok($seconds, '<', 9, 'doctor: asked at once');

($status, $all, $seconds) = ctl('status', "--patroni-url=$dropping[0]");
is($status, 3, 'Patroni behind the firewall: exit status');
like($all, qr/could not ask Patroni: no connection within 5 s/, 'why');
like(
	$all,
	qr/--patroni-url=URL, PGBRCTL_PATRONI_URL, or patroni-url in .*ctl\.yaml.*restapi\.connect_address/,
	'what to do');

# the same said in the file of the user
mkdir "$sandbox->{root}/.config";
mkdir "$sandbox->{root}/.config/pgbackrest_ctl";
my $file = spew("$sandbox->{root}/.config/pgbackrest_ctl/ctl.yaml",
	"cluster: pgbr\npatroni-url: $url\nsidecar: {m1: '$url'}\n", 0644);
($status, $all) = ctl('status');
like($all, qr/^m1 .* answers/m, 'the default configuration file is read') or diag $all;
($status, $all) = ctl('status', '--patroni-url=http://127.0.0.1:1');
like(
	$all,
	qr/warning: the roles of the members are not known: could not ask Patroni.*hint: .*--patroni-url/,
	'an option wins over it, and status says what it could not ask');
spew("$file.token", "cluster: pgbr\npatroni-url: $url\nsidecar: {m1: '$url'}\ntoken-file: /none\n",
	0644);
($status, $all) = ctl('status', "--config=$file.token");
like(
	$all,
	qr/could not open file "\/none".*hint: .*token-file in .*--init-tokens/s,
	'a token file that is not there');
unlink "$file.token";
spew($file, "cluster: other\npatroni-url: $url\n", 0644);
($status, $all) = ctl('status');
is($status, 2, 'another cluster: exit status');
like($all, qr/is of cluster "pgbr", not of "other"/, 'another cluster is refused');
spew($file, "cluster: pgbr\npatroni_url: x\n", 0644);
($status, $all) = ctl('jobs');
is($status, 2, 'an unknown key: exit status, for each verb');
like($all, qr/unknown key "patroni_url"\n.*\Q$file\E.*line 2/, 'an unknown key: where');
chmod 0666, $file;
($status, $all) = ctl('jobs');
like($all, qr/\Q$file\E" can be written by others/, 'a file that others can change');
($status, $all) = ctl('jobs', "--config=$sandbox->{root}/none");
like(
	$all,
	qr/could not open file "\Q$sandbox->{root}\E\/none"/,
	'a file that is named must be there');
unlink $file;

# nobody is asked when options contradict each other
for
  my $case ([ 'check', '--wait' ], [ 'expire', '--wait' ], [ 'pin', '20261122-154108F', '--wait' ])
{
	($status, $all) = ctl(@$case, '--no-wait');
	is($status, 2, "@$case --no-wait: exit status");
	like($all, qr/--no-wait and --wait exclude each other/, "@$case --no-wait is refused");
}
done_testing;
