# A hostile values file. Whatever text stands for a key, the file is refused with the key, its place
# and what to write instead, or the real pgbackrest reads exactly this text as this option and
# nothing else has changed: no option, no section, no variable, no member of a Kubernetes object.
# And files that are no files: pipes, devices, bombs; for config, manifest, the extension's
# config_file and the control binary's own --config.
use strict;
use warnings;
use IPC::Run ();
use JSON::PP;
use POSIX ();
use PgbrCluster;
use PgbrSandbox qw(slurp spew);
use Test::More;
use Time::HiRes qw(time);

my $cluster = PgbrCluster->new(preload => 0, sidecars => 0);
my $member = $cluster->member(1);
my $root = $cluster->sandbox->{root};
my $program = "$ENV{PGBR_BUILD}/pgbackrest_ctl";
my $json = JSON::PP->new->ascii->canonical->allow_nonref;
delete @ENV{ grep { /^PGBRCTL_/ } keys %ENV };

# Runs a program, for at most some seconds: its exit status, output and errors.
sub run
{
	my (@argv) = @_;
	return $member->_command('', 'timeout', '--signal=KILL', '20', @argv);
}

# ---- every key with every text

# By the path of its key, what is set and which option it becomes; none: it is not for pgbackrest.
my %good = (
	'repoType' => ['s3'],
	'repoPath' => [ '/var/lib/pgbackrest', 'repo1-path', 'repo2-path' ],
	's3.bucket' => [ 'pgbackrest', 'repo1-s3-bucket' ],
	's3.endpoint' => [ 'store.example.org', 'repo1-s3-endpoint' ],
	's3.region' => [ 'us-east-1', 'repo1-s3-region' ],
	's3.key' => [ 'minio', 'REPO1_S3_KEY' ],
	's3.secret' => [ 'minio123', 'REPO1_S3_KEY_SECRET' ],
	'drS3.bucket' => [ 'second', 'repo2-s3-bucket' ],
	'drS3.endpoint' => [ 'dr.example.org', 'repo2-s3-endpoint' ],
	'drS3.region' => [ 'eu', 'repo2-s3-region' ],
	'drS3.key' => [ 'k2', 'REPO2_S3_KEY' ],
	'drS3.secret' => [ 's2', 'REPO2_S3_KEY_SECRET' ],
	'configParams.repo1-storage-ca-file' => [ '/etc/ca.pem', 'repo1-storage-ca-file' ],
	'configParams.repo1-cipher-pass' => [ 'tell nobody', 'REPO1_CIPHER_PASS' ],
	'configParams.repo1-cipher-type' => [ 'aes-256-cbc', 'repo1-cipher-type' ],
	'configParams.db-exclude' => [ 'scratch', 'db-exclude' ],
	'fullSchedule' => ['0 1 * * 0'],
	'timeZone' => ['UTC'],
	'dockerImage' => ['sidecar:1'],
	'fullRetention' => [ 2, 'repo1-retention-full' ],
	'resources.limits.memory' => ['2Gi']);

my @texts = (
	"x\n[global]\nrepo1-host=evil.example", "/x\nrepo1-path=/etc",
	"a\r\nrepo1-host=evil", "a\tb",
	"\e[2Ja", "\e]0;x\a",
	"a\0b", "\x{85}a",
	"\x{9b}2Ja", "\x{202e}txt",
	"\x{2028}a", "'",
	'"', "it's",
	'a"b', '`id`',
	'$(id)', '${HOME}',
	'$(VAR)', '\\',
	'a b', ' a',
	'a ', '/a b ',
	'#a', 'a #b',
	'a;id', 'a|id',
	'[global]', ']',
	'a=b', '=',
	'--repo1-host=evil', '-x',
	'../../etc', '/a/../../etc',
	'/a//b', '//',
	'/', "\x{e4}\x{20ac}",
	'%p', '%',
	'&a', '*a',
	'!!binary x', '{a: b}',
	'- a', '{{ .Values.x }}',
	'true', '0',
	'-1', '1e3',
	'99999999999999999999', 'x' x 300,
	'/' . 'y' x 2000, 'http://a',
	'https://a@b/', 'a:70000',
	'a:1:2');

sub values_with
{
	my ($key, $value) = @_;
	my %tree;
	for my $path (keys %good)
	{
		my @parts = split /\./, $path;
		my $at = \%tree;
		$at = $at->{ shift @parts } //= {} while @parts > 1;
		$at->{ $parts[0] } = defined $key && $key eq $path ? $value : $good{$path}[0];
	}
	return spew("$root/values.yaml", $json->encode({ pgBackRest => \%tree }) . "\n");
}

# What the real pgbackrest takes of a configuration: it tells its options, and then can't get its
# lock. A list is there several times, secrets are redacted.
sub options_of
{
	my ($conf, $environment) = @_;
	local %ENV = (%ENV, %$environment);
	my (undef, $out) = run(
		'pgbackrest', "--config=$conf",
		'--lock-path=/dev/null/x', "--log-path=$root",
		'--log-level-file=off', '--log-level-console=info',
		'--log-level-stderr=off', '--stanza=main',
		'backup');
	my ($line) = $out =~ /INFO: backup command begin [0-9.]+: (.*)$/m or return $out;
	my @found;
	push @found, [ $1, $3 // $2 ]
	  while $line =~ /\G--([a-z0-9-]+)(?:=("(.*?)"|\S*))?(?: (?=--)|$)/g;
	return {
		map  { ($_->[0] => $_->[1] // '') }
		grep { $_->[0] !~ /^(?:config|exec-id|lock-path|log-.*|stanza)$/ } @found
	};
}

# A shell's reading of the environment file.
sub environment_of
{
	my ($file) = @_;
	my (undef, $out) = run('env', '-i', '/bin/sh', '-c', 'set -a; . "$0"; /usr/bin/env -0', $file);
	return { map { /^PGBACKREST_(.*?)=(.*)$/s ? ($1 => $2) : () } split /\0/, $out };
}

# Renders: the options and variables, or the errors.
sub render
{
	my ($file) = @_;
	unlink "$root/out.conf", "$root/out.env";
	my ($status, $out, $errors) = run($program, qw(config render -f),
		$file, "--output=$root/out.conf", "--env-file=$root/out.env",
		'--stanza=main', '--pg1-path=/nowhere');
	return ($status, $errors) if $status;
	my $environment = -s "$root/out.env" ? environment_of("$root/out.env") : {};
	return (
		0, $errors,
		{
			%{
				options_of("$root/out.conf",
					{ map { ("PGBACKREST_$_" => $environment->{$_}) } keys %$environment })
			},
			map { ($_ => $environment->{$_}) } keys %$environment
		});
}

my ($status, $errors, $base) = render(values_with());
is($status, 0, 'the file that is varied is a right one') or diag $errors;
for my $path (sort keys %good)
{
	my ($value, @options) = @{ $good{$path} };
	is($base->{$_}, $value, "$path is $_") for grep { !/^db-/ } @options;
}

my %manifests;
my ($taken, $refused) = (0, 0);
for my $path (sort keys %good)
{
	my @wrong;
	# the second store is read as the first, and schedules, images and quantities are not for
	# pgbackrest
	my @some =
		$path =~ /^drS3|Schedule|timeZone|Retention|resources/
	  ? @texts[ grep { $_ % 8 == 0 } 0 .. $#texts ]
	  : @texts;
	for my $text (@some)
	{
		my (undef, @options) = @{ $good{$path} };
		my $shown =
		  $path . ' = ' . $json->encode(length $text > 40 ? substr($text, 0, 40) . '...' : $text);
		my $file = values_with($path, $text);
		my ($status, $errors, $got) = render($file);
		my ($key) = $path =~ /([^.]+)$/;
		if ($status)
		{
			$refused++;
			push @wrong, "$shown: exit status $status" unless $status == 2;
			push @wrong, "$shown: does not name the key: $errors"
			  unless $errors =~ /\Q$key\E|pgBackRest\.configParams/;
			push @wrong, "$shown: no place: $errors"
			  unless $errors =~ /File "\Q$file\E", line 1, column \d+\./;
			push @wrong, "$shown: no hint: $errors" unless $errors =~ /hint: /;
			push @wrong, "$shown: a terminal obeys it"
			  if $errors =~ /[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]/;
			push @wrong, "$shown: a secret is shown" if $errors =~ /minio123|tell nobody/;
			push @wrong, "$shown: something was written"
			  if -e "$root/out.conf" || -e "$root/out.env";
			next;
		}
		$taken++;
		my %wanted = %$base;
		utf8::encode(my $bytes = $text);
		$bytes =~ s{^https://|/$}{}g if $path =~ /endpoint/;
		@wanted{@options} = ($bytes) x @options;
		# pgbackrest tells of a list its items, and of a database to leave out nothing for a backup
		delete @$_{ grep { /^db-/ } keys %$_ } for \%wanted, $got;
		for my $name (sort keys %{ { %wanted, %$got } })
		{
			my ($is, $should) = map { $_->{$name} // '(not set)' } $got, \%wanted;
			push @wrong, "$shown: $name is \"$is\"" if $is ne $should;
		}
		$manifests{$shown} = [ $json->decode(slurp($file)), $path, $text ];
	}
	is_deeply(\@wrong, [],
		"$path: every text is taken to the letter, or refused with key, place and hint");
}
cmp_ok($taken, '>', 100, "texts were taken ($taken)");
cmp_ok($refused, '>', 200, "and refused ($refused)");

# ---- options that would run something, or stand for others
for my $case (
	[ 'repo1-host-cmd', '/tmp/evil', qr/names a program to run/ ],
	[ 'pg1-host-cmd', '/tmp/evil', qr/names a program to run/ ],
	[ 'cmd', '/tmp/evil', qr/names a program to run/ ],
	[ 'cmd-ssh', '/tmp/evil', qr/names a program to run/ ],
	[ 'db-cmd', '/tmp/evil', qr/names a program to run/ ],
	[ 'backup-cmd', '/tmp/evil', qr/names a program to run/ ],
	[ 'recovery-option', 'restore_command=touch /tmp/evil', qr/names a program to run/ ],
	[ 'config', '/tmp/evil.conf', qr/takes no option/ ],
	[ 'config-include-path', '/tmp', qr/takes no option/ ],
	[ 'stanza', 'other', qr/takes no option/ ],
	[ 'repo1-path', '/etc', qr/is also set by a key/ ],
	[ "a\n[global]\nb", 'x', qr/option/ ],
	[ '[global]', 'x', qr/option/ ],
	[ '#comment', 'x', qr/option/ ],
	[ 'repo1-host-cmd=x ', 'x', qr/option/ ],
	[ 'Repo1-Host', 'x', qr/option/ ])
{
	my ($name, $value, $reason) = @$case;
	for my $as_list (0, 1)
	{
		my $params = $as_list ? ["$name=$value"] : { $name => $value };
		next if $as_list && $name =~ /=/;
		my $file = spew(
			"$root/values.yaml",
			$json->encode(
				{ pgBackRest => { repoType => 'rwx', repoPath => '/r', configParams => $params } })
		);
		my ($status, $out, $errors) = run($program, qw(config render -f), $file);
		my $shown = $json->encode($params);
		is($status, 2, "configParams $shown: refused");
		like($errors, $reason, "configParams $shown: with the reason");
		like(
			$errors,
			qr/line 1, column \d+\.\n.*hint: /s,
			"configParams $shown: its place and a hint");
		is($out, '', "configParams $shown: nothing is rendered");
	}
}

# ---- Kubernetes: the same objects with the same members, the text in one place
{
	my $script = <<'PYTHON';
import json, sys, yaml
def leaves(value, path=()):
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], path + (key,))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from leaves(item, path + (str(i),))
    else:
        yield path, value
def read(name):
    documents = list(yaml.safe_load_all(open(name, encoding="utf-8")))
    return dict(leaves(documents))
base = read(sys.argv[1])
for line in sys.stdin:
    case = json.loads(line)
    got = read(case["file"])
    if set(base) != set(got):
        print(case["name"], "other members:", sorted(set(base) ^ set(got))[:3])
    for path in set(base) & set(got):
        if base[path] != got[path] and case["text"] not in str(got[path]) and path[-1] != "pgbackrest.conf":
            print(case["name"], "changes", path, "to", repr(got[path])[:80])
PYTHON
	my $make = sub {
		my ($tree, $to) = @_;
		spew("$root/values.yaml", $json->encode($tree));
		# secrets go to standard output only where it is told
		my ($status, $out, $errors) =
		  run($program, 'manifest', "--file=$root/values.yaml", '--pg1-path=/data',
			'--token-secret=t', "--output-dir=$to");
		return $status ? (0, $errors) : 1;
	};
	my @input;
	my $number = 0;
	my $of = sub {
		my ($tree) = @_;
		my $to = "$root/manifest-" . $number++;
		mkdir $to;
		my ($ok, $errors) = $make->($tree, $to);
		return (undef, $errors) unless $ok;
		spew("$to/all.yaml", join "\n---\n", map { slurp($_) } sort glob "$to/*.yaml");
		return "$to/all.yaml";
	};
	my ($first, $errors) = $of->($json->decode(slurp(values_with())));
	ok($first, 'manifest: of the right file') or diag $errors;
	my @names = sort keys %manifests;
	for my $name (@names[ grep { $_ % 3 == 0 } 0 .. $#names ])
	{
		my ($tree, $path, $text) = @{ $manifests{$name} };
		# these are what is in pgbackrest.conf, which was looked at above; a sample of them is
		# enough
		next if $path =~ /^configParams|^drS3|Retention|Schedule|timeZone/;
		my ($file) = $of->($tree);
		push @input,
		  $json->encode({ file => $file, name => $name, text => $text =~ s{^https://|/$}{}gr })
		  . "\n"
		  if $file;
	}
	my ($status, $out, $said) =
	  $member->_command(join('', @input), '/usr/bin/python3', '-c', $script, $first);
	is("$status$out$said", '0',
		'manifest: ' . @input . ' texts change nothing but their own value');
	cmp_ok(scalar(@input), '>', 15, 'manifest: which were many');
}

# ---- files that are none
sub quickly
{
	my ($name, $reason, @argv) = @_;
	my $begun = time;
	my ($status, $out, $errors) = run(@argv);
	is($status, 2, "$name: refused") or diag $errors;
	like($errors, $reason, "$name: with the reason");
	cmp_ok(time - $begun, '<', 10, "$name: at once");
	return;
}

my $bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" . join '', map {
	my $c = chr(97 + $_);
	my $p = chr(96 + $_);
	"$c: &$c [*$p,*$p,*$p,*$p,*$p,*$p,*$p,*$p,*$p]\n"
} 1 .. 20;
POSIX::mkfifo("$root/fifo", 0600) or die "fifo: $!\n";
open my $large, '>', "$root/large.yaml" or die "large: $!\n";
truncate $large, 100 << 20;
close $large;
symlink '/dev/zero', "$root/zero.yaml";
symlink "$root/loop.yaml", "$root/loop.yaml";
my %files = (
	'a pipe' => [ "$root/fifo", qr/is not a regular file/ ],
	'/dev/zero' => [ '/dev/zero', qr/is not a regular file/ ],
	'a link to /dev/zero' => [ "$root/zero.yaml", qr/is not a regular file/ ],
	'a link to itself' => [ "$root/loop.yaml", qr/could not open|Too many levels/ ],
	'a folder' => [ $root, qr/is not a regular file/ ],
	'100 MB' => [ "$root/large.yaml", qr/is larger than/ ],
	'deep nesting' =>
	  [ spew("$root/deep.yaml", 'pgBackRest: ' . '[' x 100_000), qr/nested more than 64 levels/ ],
	'NUL characters' => [ spew("$root/nul.yaml", "pgBackRest:\0\n"), qr/not YAML/ ],
	'no UTF-8' => [ spew("$root/latin.yaml", "pgBackRest: \xff\xfe\xfa\n"), qr/not YAML/ ]);
my %bombs = (
	'aliases in the section' =>
	  [ spew("$root/alias.yaml", "x: &x s3\npgBackRest:\n  repoType: *x\n"), qr/alias/ ],
	'aliases of aliases, and no section' =>
	  [ spew("$root/bomb.yaml", $bomb), qr/no section "pgBackRest"/ ]);

for my $name (sort keys %files, sort keys %bombs)
{
	my ($path, $reason) = @{ $files{$name} // $bombs{$name} };
	quickly("config render, $name", $reason, $program, qw(config render -f), $path);
	quickly("config check, $name", $reason, $program, qw(config check), $path);
	quickly("manifest, $name", $reason, $program, 'manifest', "--file=$path", '--pg1-path=/data');
}
for my $name (sort keys %files)
{
	my ($path, $reason) = @{ $files{$name} };
	# which has a limit of its own, and is no values file
	$reason = qr/larger than|mapping|unknown key|not YAML/
	  if $name eq 'deep nesting' || $name eq 'NUL characters';
	quickly("--config, $name",
		$reason, $program, 'status', "--config=$path", '--patroni-url=http://127.0.0.1:1');
}
quickly(
	'--config, aliases',
	qr/a mapping of members to the URLs/,
	$program,
	'status',
	'--config=' . spew("$root/config.yaml", "patroni-url: &a [http://127.0.0.1:1]\nsidecar: *a\n"));
quickly("--config, $_", qr/invalid (?:Patroni|sidecar) URL/,
	$program, 'status',
	'--config=' . spew("$root/config.yaml", $json->encode({ 'patroni-url' => $_ })))
  for 'file:///etc/passwd', 'http://user:password@h:1', 'http://h:1/?x', "http://h\e[2J:1",
  'gopher://h:70', 'http://';

# ---- where a rendered file goes: through no link, over no device
{
	values_with();
	my $victim = spew("$root/victim", "precious\n");
	symlink $victim, "$root/link.conf";
	my ($status, undef, $errors) = run($program, qw(config render -f),
		"$root/values.yaml", "--output=$root/link.conf", "--env-file=$root/new.env");
	is(slurp($victim), "precious\n", '--output to a link: what it leads to stays');
	symlink $victim, "$root/link.env";
	run($program, qw(config render -f),
		"$root/values.yaml", "--output=$root/o.conf", "--env-file=$root/link.env");
	is(slurp($victim), "precious\n", '--env-file to a link: the same');
	is((stat $victim)[2] & 07777, 0644, '--env-file to a link: nor is its mode changed');
}

# ---- the extension's config_file: a session that looks is answered, and the server goes on
$cluster->start;
$member->psql('CREATE EXTENSION pgbackrest_ctl');
for my $name (sort keys %files, sort keys %bombs)
{
	my ($path, $reason) = @{ $files{$name} // $bombs{$name} };
	$member->psql("LOAD 'pgbackrest_ctl'; ALTER SYSTEM SET pgbackrest_ctl.config_file = '$path'");
	$member->psql('SELECT pg_reload_conf()');
	my $begun = time;
	my ($status, $out, $errors) =
	  $member->_command("SET statement_timeout = '15s'; SELECT count(*) FROM pgbr_schedule",
		$member->psql_command);
	is($status, 0, "config_file, $name: pgbr_schedule answers") or diag $errors;
	cmp_ok(time - $begun, '<', 10, "config_file, $name: at once");
}
$member->psql(
	"LOAD 'pgbackrest_ctl'; ALTER SYSTEM SET pgbackrest_ctl.config_file = '"
	  . spew(
		"$root/s.yaml",
		$json->encode({
			pgBackRest => {
				fullSchedule => "* * * * *\e[2J",
				diffSchedule => '0 1 * * 0',
				timeZone => "../../etc/passwd"
			}
		}))
	  . "'");
$member->psql('SELECT pg_reload_conf()');
my (undef, $shown) = $member->_command('TABLE pgbr_schedule', $member->psql_command);
unlike($shown, qr/\e/, 'config_file: a schedule with control characters reaches no terminal');
is($member->psql('SELECT 1'), 1, 'the server has outlived all of them');
done_testing();
