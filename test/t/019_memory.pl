# Each allocation of a request fails once: whatever is missing then, no answer of success is cut or
# empty, and the sidecar goes on. The memory is refused by test/lib/memory_preload.c, to the thread
# of the request alone; the program is the one that is installed, for ASan has an allocator of its
# own.
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use PgbrCluster;
use PgbrSandbox qw(spew wait_for);
use PgbrSidecarTest;
use Test::More;

my $cluster = PgbrCluster->new(preload => 0);
my $member = $cluster->member(1);
my $json = JSON::PP->new->canonical->allow_nonref;

my $info =
  '[{"name":"main","db":[{"id":1,"repo-key":1,"system-id":1,"version":"15"}],"repo":[{"key":1,"status":{"code":0,"message":"ok"}}],'
  . '"status":{"code":0,"message":"ok","lock":{"backup":{"held":false}}},'
  . '"archive":[{"id":"15-1","min":"000000010000000000000001","max":"000000010000000000000003","database":{"id":1,"repo-key":1}}],'
  . '"backup":[{"label":"20261122-154107F","type":"full","prior":null,"reference":null,"error":false,"annotation":{"timestamp":"x1"},'
  . '"archive":{"start":"000000010000000000000002","stop":"000000010000000000000002"},"backrest":{"format":5,"version":"2.45"},'
  . '"database":{"id":1,"repo-key":1},"info":{"delta":1,"repository":{"delta":1,"size":1},"size":1},'
  . '"lsn":{"start":"0/2000028","stop":"0/2000100"},"timestamp":{"start":1795361000,"stop":1795361010}}]}]';
my $fake = program($member, 'fake', <<"END");
case "\$*" in
(*repo-ls*--recurse*|*--recurse*repo-ls*) echo '{"15-1/0000000100000000/000000010000000000000002-0123456789012345678901234567890123456789.gz":{"type":"file","size":1,"time":1795361000}}' ;;
(*repo-ls*) echo 000000010000000000000002-0123456789012345678901234567890123456789.gz ;;
(*version) echo 'pgBackRest 2.45' ;;
(*info) echo '$info' ;;
(*) echo 'P00   INFO: a line' ;;
esac
END
my $psql = program($member, 'psql', "exit 2\n");

# three numbers: another for each request, the allocation that fails, and how many there were
my $control = spew("$member->{dir}/memory", pack 'qqq', 1, 0, 0);

sub refuse
{
	my ($generation, $fail_at) = @_;
	open my $file, '+<', $control or die "$control: $!\n";
	syswrite($file, pack 'qqq', $generation, $fail_at, 0) == 24 or die "$control: $!\n";
	return;
}

sub count_allocations
{
	open my $file, '<', $control or die "$control: $!\n";
	sysread($file, my $data, 24) == 24 or die "$control: $!\n";
	return (unpack 'qqq', $data)[2];
}

my ($compat, $daemon, $list) = map { $cluster->sandbox->port } 1 .. 3;
local $ENV{PGBR_BUILD} = "$ENV{PGBR_DEST}/usr/local/bin";
my $sidecar =
  PgbrSidecar->new($member)
  ->set_wrapper('env', "PGBR_MEMORY=$control",
	"LD_PRELOAD=$ENV{PGBR_DEST}/../bin/memory_preload.so");
$sidecar->start(
	"--pgbackrest=$fake", "--psql=$psql",
	'--insecure-no-auth', '--info-interval=3600',
	'--compat-no-auth', "--compat-listen=127.0.0.1:$compat",
	"--daemon-listen=127.0.0.1:$daemon", "--daemon-list-listen=127.0.0.1:$list");
$sidecar->wait_job($sidecar->post_job(kind => 'check')->{id});
my $id = $sidecar->post_job(kind => 'verify')->{id};
$sidecar->wait_job($id);

sub request
{
	my ($method, $path, $body, $port) = @_;
	return $sidecar->http($method, $path, $body ? (body => $body) : ()) unless $port;
	my $answer =
	  HTTP::Tiny->new(keep_alive => 0, timeout => 30)
	  ->request($method, "http://127.0.0.1:$port$path",
		$body ? { content => $body, headers => { 'Content-Type' => 'application/json' } } : {});
	$answer->{json} = $json->decode($answer->{content}) if $answer->{content} =~ /^\{/;
	return $answer;
}

# What is the same each time.
my %volatile = map { $_ => 1 }
  qw(age_seconds fetched_at time updated_at holder_seconds_left free_bytes total_bytes free_space total_space message error age);

sub steady
{
	my ($value) = @_;
	return [ map { steady($_) } @$value ] if ref $value eq 'ARRAY';
	return { map { $_ => $volatile{$_} ? 'x' : steady($value->{$_}) } keys %$value }
	  if ref $value eq 'HASH';
	return $value;
}

sub shape
{
	my ($answer, $kind) = @_;
	return join "\n", sort map { s/ [-+.\de]+$//r } split /\n/, $answer->{content}
	  if $kind eq 'metrics';
	return $answer->{content} unless $answer->{json};
	# what is made anew each time has an id and times of its own
	return join ' ', sort keys %{ $answer->{json} } if $kind eq 'keys';
	return $json->encode(steady($answer->{json}));
}

my $generation = 1;
my $point = 0;
my $revision = 1;
for my $case (
	[ GET => '/v1/jobs?kind=check&limit=1', '' ],
	[ GET => "/v1/jobs/$id", '' ],
	[ GET => "/v1/jobs/$id/log", '' ],
	[ GET => '/v1/info', '' ],
	[ GET => '/v1/node', '' ],
	[ GET => '/v1/wal/000000010000000000000002', '' ],
	[ GET => '/v1/archive', '' ],
	[ GET => '/metrics', 'metrics' ],
	[ GET => '/livez', '' ],
	[ GET => '/readyz', '' ],
	[ GET => '/list', '', undef, $compat ],
	[ GET => '/status?timestamp=x1', '', undef, $compat ],
	[ GET => '/list', '', undef, $list ],
	[ GET => '/health', 'keys', undef, $daemon ],
	[ POST => '/backup', 'keys', undef, $daemon ],
	[ POST => '/v1/jobs', 'keys', { kind => 'check' } ],
	[
		POST => '/v1/restore-points',
		'keys',
		sub { {
			name => 'p' . ++$point,
			lsn => '0/1',
			timeline => 1,
			time => '2026-11-22T15:41:07Z',
			xid => '1'
		} }
	],
	[ GET => '/v1/restore-points?name=p1', '' ],
	[
		PUT => '/v1/restores/r',
		'keys',
		sub { {
			holder => 'me',
			lease_seconds => 60,
			revision => $revision++,
			state => 'active',
			document => { harmless => JSON::PP::true }
		} }
	],
	[ POST => '/v1/restores/r/jobs', 'keys', { holder => 'me', kind => 'node-unfence' } ],
	[ GET => '/v1/restores', '' ],
	[ GET => '/v1/restores/r', '' ])
{
	my ($method, $path, $kind, $body, $port) = @$case;
	# jobs that earlier requests made may fill the queue: such an answer says nothing of memory
	my $ask = sub {
		my ($fail_at) = @_;
		my $answer;
		wait_for
		{
			refuse(++$generation, $fail_at);
			$answer = request($method, $path, ref $body eq 'CODE' ? $body->() : $body, $port);
			$answer->{status} != 429;
		}
		'room in the queue';
		return $answer;
	};
	$ask->(0);
	my $whole = $ask->(0);
	my %seen;
	my @wrong;
	push @wrong, "without a failure: $whole->{status} $whole->{content}"
	  if $whole->{status} >= 400 && $path ne '/readyz';
	for (my $fail_at = 1; @wrong < 6; $fail_at++)
	{
		my $answer = $ask->($fail_at);
		my $over = count_allocations() < $fail_at;
		$seen{ $answer->{status} }++;
		# the connection may be closed without an answer, which nobody takes for one
		my $ok = $answer->{status} == 599
		  || (
			$answer->{status} < 400
			? shape($answer, $kind) eq shape($whole, $kind)
			: $answer->{status} >= 400
			&& length $answer->{content});
		if (!$ok)
		{
			# what is missing, line by line
			my %there = map { $_ => 1 } split /\n/, shape($answer, $kind);
			push @wrong, "allocation $fail_at: status $answer->{status}, without",
			  (grep { !$there{$_} } split /\n/, shape($whole, $kind)), 'but with',
			  substr($answer->{content}, 0, $kind eq 'metrics' ? 0 : 2000);
		}
		last if $over || $fail_at > 3000;
	}
	refuse(++$generation, 0);
	ok(!@wrong, "$method $path: " . join ', ', map { "$seen{$_} times $_" } sort keys %seen)
	  or diag join "\n", @wrong;
	$sidecar->alive
	  or
	  BAIL_OUT('the sidecar has crashed: ' . ($sidecar->{sandbox}{status}{ $sidecar->pid } // ''));
}
wait_for { $sidecar->http(GET => '/readyz')->{json}{checks}[2]{ok} } 'jobs to be accepted';
is($sidecar->stop, 0, 'the sidecar ends cleanly');

done_testing;
