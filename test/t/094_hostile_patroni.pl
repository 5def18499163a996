# A false Patroni: whatever it answers, token and password go to what the user has named, nothing is
# asked of whom it redirects to, and what it says is refused or shown in plain characters. Nothing
# here is a real cluster: the servers are ours, and one of them is a thief who notes what he is
# sent.
use strict;
use warnings;
use IPC::Run ();
use JSON::PP;
use MIME::Base64      qw(encode_base64);
use PgbrSandbox       qw(slurp spew wait_for);
use PgbrStrangeServer qw(answer);
use PgbrTls;
use Test::More;
use Time::HiRes qw(time);

my $sandbox = PgbrSandbox->new;
my $root = $sandbox->{root};
my ($token, $password) = ('token-of-restore-0123456789', 'admin:hunter2hunter2');
my @files = (
	'--token-file=' . spew("$root/token", "$token\n", 0600),
	'--patroni-user-file=' . spew("$root/user", "$password\n", 0600));
delete @ENV{ grep { /^PGBRCTL_/ } keys %ENV };

# The thief is at an address of this host that its text does not show as loopback, and so stands for
# one that is not. Another number each time, since a guessed sidecar's port is always the same.
my @part = map { 1 + int rand 250 } 1 .. 3;
my $elsewhere = "127.$part[0]." . ($part[1] * 256 + $part[2]);
my $refusal = sub {
	answer(
		$_[0], { code => 'unauthorized', detail => 'who are you?' },
		status => 401,
		type => 'application/problem+json');
};
my %thief = map {
	$_ => PgbrStrangeServer->new(
		$sandbox, { '' => $refusal },
		address => join('.', 127, @part),
		port => $_)
} 8430, $sandbox->port;
my ($rest_port) = grep { $_ != 8430 } keys %thief;
my $evil = "http://$elsewhere:$rest_port";

sub members { return { members => [@_], pause => JSON::PP::false } }

sub member
{
	return {
		name => 'm1',
		role => 'leader',
		state => 'running',
		api_url => "$evil/patroni",
		timeline => 1,
		@_
	};
}

sub node
{
	my (%change) = @_;
	return {
		state => 'running',
		role => 'master',
		timeline => 1,
		patroni => { version => '3.0.2', scope => 'main' },
		%change
	};
}
my $node = sub { answer($_[0], node()) };
my $odd = "x\e[2J\x{9b}31m\x{202e}";

# What it answers to GET /cluster, and to GET /patroni where that is not as it should be; what is
# said then.
my %cases = (
	'redirect' => [
		sub { answer($_[0], '', status => 302, headers => "Location: $evil/cluster\r\n") },
		qr/is not Patroni: HTTP status 302/
	],
	'redirect-307' => [
		sub { answer($_[0], '{}', status => 307, headers => "Location: $evil/cluster\r\n") },
		qr/is not Patroni: HTTP status 307/
	],
	'huge' => [ sub { answer($_[0], ' ' x (9 << 20)) }, qr/larger than 8 MB/ ],
	'deep' => [
		sub { answer($_[0], '{"members":' . '[' x 100000 . ']' x 100000 . '}') },
		qr/is not Patroni/
	],
	'endless' => [
		sub {
			my ($client) = @_;
			syswrite $client, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
			1 while syswrite $client, ' ' x 65536;
		},
		qr/larger than 8 MB/
	],
	'slow' => [ sub { sysread $_[0], my $never, 1 }, qr/no answer within 5\.0 s/ ],
	'many' => [
		sub {
			answer($_[0], members(map { member(name => "m$_") } 1 .. 10000));
		},
		qr/has 10000 members, which is more than 32/
	],
	'html' => [ sub { answer($_[0], '<html>', type => 'text/html') }, qr/is not Patroni/ ],
	'list' => [ sub { answer($_[0], [ member() ]) }, qr/is not Patroni/ ],
	'no-list' => [ sub { answer($_[0], { members => { m1 => member() } }) }, qr/has no members/ ],
	'no-member' => [ sub { answer($_[0], members(5, 'm1')) }, qr/without a usable name/ ],
	'file' => [
		sub { answer($_[0], members(member(api_url => 'file:///etc/passwd'))) },
		qr/invalid URL of member "m1"/
	],
	'socket' => [
		sub { answer($_[0], members(member(api_url => 'unix:/tmp/x.sock'))) },
		qr/invalid URL of member "m1"/
	],
	'gopher' => [
		sub { answer($_[0], members(member(api_url => 'gopher://127.0.0.1:1/'))) },
		qr/invalid URL of member "m1"/
	],
	'user' => [
		sub { answer($_[0], members(member(api_url => 'http://who:secret2secret2@127.0.0.1/'))) },
		qr/invalid URL of member "m1"/
	],
	'number' => [
		sub { answer($_[0], members(member(api_url => 5, name => 7))) },
		qr/without a usable name/
	],
	'odd-name' =>
	  [ sub { answer($_[0], members(member(name => $odd))) }, qr/without a usable name/ ],
	'odd-url' => [
		sub { answer($_[0], members(member(api_url => "http://$odd/"))) },
		qr/invalid URL of member "m1"/
	],
	'odd-scope' => [
		sub { answer($_[0], members(member())) },
		qr/the token was not sent/,
		sub { answer($_[0], node(patroni => { version => $odd, scope => $odd })) }
	],
	'no-scope' => [
		sub { answer($_[0], members(member())) },
		qr/no usable name/,
		sub { answer($_[0], node(patroni => {})) }
	],
	# these go on to the members, who are asked without what would be theirs
	'states' => [
		sub {
			answer(
				$_[0],
				members(
					member(state => $odd, role => "leader", timeline => -5, lag => 'x'),
					member(name => 'm2', role => $odd, state => undef)));
		},
		qr/the token was not sent to http:\/\/\Q$elsewhere\E:8430: only a response names its address, and plain HTTP can be read on the way/
	],
	'elsewhere' => [
		sub { answer($_[0], members(member())) },
		qr/the token was not sent to http:\/\/\Q$elsewhere\E:8430: .*\n.*hint: Name the member's sidecar with --sidecar=NAME=URL/s
	]);

my $patroni = PgbrStrangeServer->new(
	$sandbox,
	{
		map {
			my ($list, undef, $scope) = @{ $cases{$_} };
			$_ => sub {
					$_[1]{path} eq '/cluster' ? $list->(@_)
				  : $_[1]{path} eq '/patroni' ? ($scope // $node)->(@_)
				  : $refusal->(@_);
			}
		} keys %cases
	});

# Gives exit status and all that it has printed, which is fit for a terminal and holds no secret.
sub ctl
{
	my ($case, @arguments) = @_;
	my $url = $patroni->url . "/$case";
	IPC::Run::run(
		[
			"$ENV{PGBR_BUILD}/pgbackrest_ctl", @arguments,
			"--patroni-url=$url", @files,
			'--timeout=10'
		],
		'<',
		\undef,
		'>',
		\my $out,
		'2>',
		\my $errors);
	my ($status, $all) = ($? >> 8, $out . $errors);
	unless ($all !~ /[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae/
		&& utf8::decode(my $copy = $all)
		&& $all !~ /hunter2|secret2|\Q$token\E/)
	{
		fail("$case: what is printed is plain, and no secret");
		diag $all =~ s/([^\n -~])/sprintf '<%02x>', ord $1/ger;
	}
	return ($status, $all);
}

for my $case (sort keys %cases)
{
	my $began = time;
	my ($status, $all) = ctl($case, 'plan', '--type=immediate', '--no-verify');
	like($status, qr/^[34]$/, "$case: it is refused") or diag $all;
	like($all, $cases{$case}[1], "$case: and said why");
	cmp_ok(time - $began, '<', 20, "$case: in time");
}
like($thief{8430}->requests, qr{^GET /v1/}m, 'the thief was asked in the place of a sidecar');
is($thief{8430}->secrets, '', 'and got no token');
unlike($thief{$rest_port}->requests, qr{/cluster}, 'nobody was redirected to him');
is($thief{$rest_port}->secrets, '', 'and he got no password');
like(
	$patroni->secrets,
	qr/^Basic \Q${\ encode_base64($password, '')}\E$/m,
	'whom the user has named got it');
unlike($patroni->secrets, qr/Bearer/, 'but not the token');

# so they are sent, and the thief would have told
my (undef, $all) = ctl('elsewhere', 'status', "--sidecar=m1=http://$elsewhere:8430");
is( $thief{8430}->secrets,
	'' . "Bearer $token\n" x (() = $thief{8430}->secrets =~ /\n/g),
	'a sidecar that is named gets the token');
isnt($thief{8430}->secrets, '', 'indeed');
unlike($all, qr/was not sent/, 'and nothing is said');
is($thief{$rest_port}->secrets, '', 'while Patroni on that host gets no password');
my $before = $thief{8430}->secrets;
ctl('elsewhere', 'status', '--trust-members');
isnt($thief{8430}->secrets, $before, '--trust-members trusts all');

# a file that says where to send secrets
my $config = spew("$root/config.yaml", "sidecar: {m1: '$evil'}\n", 0666);
chmod 0666, $config;
my $status;
($status, $all) = ctl('elsewhere', 'status', "--config=$config");
is($status, 2, 'one that everybody can write');
like($all, qr/everybody can write file "\Q$config\E"/, 'is refused');
chmod 0644, $config;
($status, $all) = ctl('elsewhere', 'status', "--config=$config");
like($thief{$rest_port}->secrets, qr/^Bearer \Q$token\E$/m, 'another is trusted');

# --- a CA that the user names is the only one that counts, also where the system trusts others
mkdir "$root/$_" or die "$root/$_: $!" for qw(tls trusted);
my $tls = PgbrTls->new($sandbox, "$root/tls");
$tls->ca($_) for qw(own public);
$tls->certificate('thief', 'public', usage => 'serverAuth');
spew("$root/trusted/ca-certificates.crt", slurp($tls->path('public.crt')));
$tls->openssl('rehash', "$root/trusted");
my $port = $sandbox->port;
$sandbox->spawn(
	"$root/tls", 'tls-thief',
	qw(openssl s_server -www -cert thief.crt -key thief.key -accept), "127.0.0.1:$port");
# as on a host that trusts this one by its folder of certificates
my @as_root = (
	'unshare', '--map-root-user', '--mount', 'sh', '-c',
	'mount --bind "$0" /etc/ssl/certs && exec "$@"',
	"$root/trusted");
for my $ca (undef, $tls->path('own.crt'))
{
	my $name = $ca ? 'with a CA of its own' : 'without one';
	my @ask = (
		@as_root, "$ENV{PGBR_BUILD}/pgbackrest_ctl",
		'jobs', "--url=https://127.0.0.1:$port",
		$files[0], '--timeout=2', $ca ? "--ca-file=$ca" : ());
	wait_for
	{
		IPC::Run::run(\@ask, '<', \undef, '>', \my $out, '2>', \$all);
		$all !~ /Couldn't connect/
	}
	'a server that speaks TLS';
	like(
		$all,
		$ca ? qr/could not connect.*certificate/ : qr/content type/,
		"$name: the system's CA " . ($ca ? 'vouches for nobody' : 'counts')) or diag $all;
}

done_testing;
