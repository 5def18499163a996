# From a values file to a cluster with backups: both examples of the document that users come with
# are rendered as it says, the real pgbackrest takes them, a backup that was made with one restores,
# no secret is where others can read it, and what is wrong is told with its line and column.
use strict;
use warnings;
use JSON::PP;
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrValues  qw(%values);
use Test::More;


my $cluster = PgbrCluster->new(preload => 0, stanza => 'patroni');
my $member = $cluster->member(1);
my $sandbox = $cluster->sandbox;
my $root = $sandbox->{root};
my $file = "$root/values.yaml";
delete @ENV{ grep { /^PGBRCTL_/ } keys %ENV };

# Run a verb on a text as values file: gives exit status, output, errors.
sub config
{
	my ($text, @arguments) = @_;
	spew($file, $text);
	return $member->ctl(@arguments);
}

sub rendered
{
	my ($name, $text, @options) = @_;
	my ($status, $out, $errors) = config($text, 'config', 'render', '-f', $file, @options);
	is($status, 0, "$name: exit status") or diag $errors;
	return ($out =~ s/^#.*\n//mgr, $errors);
}

# pgbackrest with nothing but this configuration and environment
sub pgbackrest_with
{
	my ($conf, $environment, @arguments) = @_;
	local %ENV = (%ENV, %$environment);
	spew("$root/tried.conf", $conf);
	return $member->_command('', 'pgbackrest', "--config=$root/tried.conf",
		"--lock-path=$root/lock", '--log-level-file=off', "--log-path=$root", @arguments);
}

# ---- the examples, to the letter
{
	my ($conf, $errors) = rendered('a folder', $values{rwx});
	is($conf,
		<<'CONF', 'a folder: what the document asks for, no retention and nothing of a member');
[global]
log-level-file=detail
log-level-console=info
repo1-path=/var/lib/pgbackrest
CONF
	is($errors, '', 'a folder: there is nothing to say');
	my ($status, $out) =
	  pgbackrest_with("$conf\n[patroni]\npg1-path=$root/none\n", {}, '--stanza=patroni', 'info');
	is($status, 0, 'a folder: pgbackrest takes it') or diag $out;

	my $secrets = "$root/secrets.env";
	($conf, $errors) = rendered('a bucket', $values{s3}, "--env-file=$secrets", '--member=node1');
	is($conf,
		<<'CONF', 'a bucket: endpoint without scheme, path style, no verification, and the member');
[global]
log-level-file=detail
log-level-console=info
repo1-type=s3
repo1-path=/var/lib/pgbackrest
repo1-s3-bucket=pgbackrest
repo1-s3-endpoint=minio-ingress-minio-service
repo1-s3-region=us-east-1
repo1-s3-uri-style=path
repo1-storage-verify-tls=n

[patroni]
pg1-path=/var/lib/pgsql/data/postgresql_node1
CONF
	is( slurp($secrets),
		"PGBACKREST_REPO1_S3_KEY=minio\nPGBACKREST_REPO1_S3_KEY_SECRET=minio123\n",
		'a bucket: the secrets, as an environment');
	is((stat $secrets)[2] & 07777, 0600, 'a bucket: and nobody else may read them');

	# that it can't be reached is how far it gets
	my %environment = slurp($secrets) =~ /^(\w+)=(.*)$/mg;
	my @info = qw(--stanza=patroni --io-timeout=0.1 info);
	($status, my $out_with) = pgbackrest_with($conf, \%environment, @info);
	is($status, 0, 'a bucket: pgbackrest takes it');
	like($out_with, qr/minio-ingress-minio-service/, 'a bucket: and looks for the store');
	($status, undef, $errors) = pgbackrest_with($conf, {}, @info);
	is($status, 37, 'a bucket: without the secrets pgbackrest says that they are missing');
	like($errors, qr/requires option: repo1-s3-key/, 'a bucket: by their names');

	($conf, $errors) = rendered('a bucket without --env-file', $values{s3});
	unlike($conf . $errors, qr/minio123/, 'a bucket: no secret is ever printed');
	like($errors, qr/the secrets were not written; --env-file/, 'a bucket: which is told');
}

# ---- all keys together, and what configParams do
{
	my $all = <<'YAML';
pgBackrest:
  dockerImage: "x/y:1"
  repoType: s3
  repoPath: /backups
  fullSchedule: "0 1 * * 0"
  timeZone: Europe/Berlin
  fullRetention: 20
  diffRetention: 3
  backupFromStandby: true
  s3: {bucket: one, endpoint: "localhost:9000/", key: "k 1", secret: "$p#a;ss", region: eu}
  drS3: {bucket: two, endpoint: "https://dr.example.org:443", key: k2, secret: s2, region: us, verifySsl: false}
  configParams:
    - log-level-console=warn
    - repo1-retention-full-type=time
    - repo1-retention-archive=2
    - repo1-cipher-type=aes-256-cbc
    - repo1-cipher-pass=tell nobody
    - repo2-retention-full=7
    - repo3-path=/third
    - pg1-path=/elsewhere
    - db-include=a
    - db-include=b
  resources: {limits: {cpu: 1}}
YAML
	my $secrets = "$root/all.env";
	my ($conf) = rendered('all keys', $all, "--env-file=$secrets", '--member=m1', '--stanza=main',
		'--pg1-port=5433');
	is($conf, <<'CONF', 'all keys: three repositories, retention by time, encryption');
[global]
log-level-file=detail
log-level-console=warn
repo1-type=s3
repo1-path=/backups
repo1-s3-bucket=one
repo1-s3-endpoint=localhost
repo1-storage-port=9000
repo1-s3-region=eu
repo1-s3-uri-style=path
repo2-type=s3
repo2-path=/backups
repo2-s3-bucket=two
repo2-s3-endpoint=dr.example.org
repo2-storage-port=443
repo2-s3-region=us
repo2-s3-uri-style=path
repo2-storage-verify-tls=n
repo1-retention-full=20
repo1-retention-diff=3
repo1-retention-full-type=time
repo1-retention-archive=2
repo1-cipher-type=aes-256-cbc
repo2-retention-full=7
repo3-path=/third
db-include=a
db-include=b

[main]
pg1-path=/elsewhere
pg1-port=5433
CONF
	# a shell reads the file as systemd does
	my ($status, $out) = $member->_command('', 'sh', '-c', 'set -a; . "$0"; env', $secrets);
	is($status, 0, 'all keys: the environment file is read');
	my %got = $out =~ /^PGBACKREST_(\w+)=(.*)$/mg;
	is_deeply(
		\%got,
		{
			REPO1_S3_KEY => 'k 1',
			REPO1_S3_KEY_SECRET => '$p#a;ss',
			REPO1_CIPHER_PASS => 'tell nobody',
			REPO2_S3_KEY => 'k2',
			REPO2_S3_KEY_SECRET => 's2'
		},
		'all keys: each secret as it was written');
	($status, $out) = pgbackrest_with(
		$conf,
		{ map { ("PGBACKREST_$_" => $got{$_}) } keys %got },
		qw(--stanza=main --repo=3 --io-timeout=0.1 info));
	is($status, 0, 'all keys: pgbackrest takes it') or diag $out;

	($conf) = rendered('a Secret',
		$values{s3} =~ s/    key:.*\n    secret:.*\n//r . "  existingSecret: backup-keys\n");
	unlike($conf, qr/key/, 'a Secret: it has the keys');
}

# ---- where secrets can't go
for my $case (
	[ "$root", qr/is not a regular file/ ],
	[ '/dev/stdout', qr/is not a regular file/ ],
	[ "$root/missing/secrets.env", qr/could not create file .*No such file/ ],
	[ '/dev/full/x', qr/could not create file .*Not a directory/ ])
{
	my ($path, $reason) = @$case;
	my ($status, $out, $errors) =
	  config($values{s3}, qw(config render -f), $file, "--env-file=$path");
	is($status, 2, "--env-file=$path: exit status");
	like($errors, $reason, "--env-file=$path: reason");
	is($out, '', "--env-file=$path: nothing is printed then");
}
{
	my $secrets = "$root/kept.env";
	spew($secrets, "OLD=1\n", 0644);
	# a file that may not grow past nothing: the disk is full
	my ($status, $out, $errors) = (
		spew($file, $values{s3}),
		$member->_command(
			'', 'bash', '-c',
			'trap "" XFSZ; ulimit -f 0; exec "$0" "$@"',
			"$ENV{PGBR_BUILD}/pgbackrest_ctl",
			qw(config render -f),
			$file, "--env-file=$secrets"))[ -3 .. -1 ];
	is($status, 2, 'a full disk: exit status');
	like($errors, qr/could not write file "\Q$secrets\E": File too large/, 'a full disk: reason');
	is(slurp($secrets), "OLD=1\n", 'a full disk: the old file is as it was');
	is_deeply([ glob "$secrets.*" ], [], 'a full disk: and nothing lies beside it');
	rendered('over an old file', $values{s3}, "--env-file=$secrets");
	like(slurp($secrets), qr/minio123/, 'an old file is replaced');
	is((stat $secrets)[2] & 07777, 0600, 'and was never readable for others with a secret in it');
}

# ---- a pgbackrest.conf is replaced by a right one only
{
	my $path = "$root/written.conf";
	my ($status, $out, $errors) =
	  config($values{rwx}, qw(config render -f), $file, "--output=$path");
	is($status, 0, '--output: exit status') or diag $errors;
	is($out, '', '--output: nothing on standard output');
	like(slurp($path), qr{^repo1-path=/var/lib/pgbackrest$}m, '--output: it is in the file');
	is((stat $path)[2] & 07777, 0644, '--output: which pgbackrest may read, whoever it runs as');
	($status) =
	  config($values{rwx} . "  bogus: 1\n", qw(config render -f), $file, "--output=$path");
	is($status, 2, '--output: of a wrong file');
	like(slurp($path), qr{^repo1-path=/var/lib/pgbackrest$}m, '--output: the old one is as it was');
	($status, undef, $errors) = config($values{s3}, qw(config render -f),
		$file, "--output=$root/none/x", "--env-file=$root/new.env");
	is($status, 2, '--output: into a folder that is not there');
	like($errors, qr/could not create file/, '--output: reason');
}

# ---- what is wrong, where, and what to write instead
my $head = "pgBackRest:\n  repoType: s3\n";
my $keys = '  s3: {bucket: bbb, endpoint: h, key: k, secret: s, region: r}' . "\n";
for my $case (
	[ "other: 1\n", 1, 1, qr/there is no section "pgBackRest"/ ],
	[
		"\n# x\npgBackRest:\n  repoPath: /x\n",
		3, 1, qr/there is no repository: "pgBackRest.repoType" is missing/
	],
	[ "$head  rwx: {type: pv}\n$keys", 3, 8, qr/"pgBackRest.rwx" is set, but repoType is s3/ ],
	[
		"pgBackRest:\n  repoType: rwx\n$keys", 3, 7,
		qr/"pgBackRest.s3" is set, but repoType is rwx/
	],
	[ "$head$keys  bogus: 1\n", 4, 3, qr/unknown key "pgBackRest.bogus"/ ],
	[
		"$head$keys  fullRetention: many\n",
		4, 18, qr/"pgBackRest.fullRetention" is not a whole number/
	],
	[ "$head$keys  fullRetention: 0\n", 4, 18, qr/"pgBackRest.fullRetention" is out of range/ ],
	[ $head, 1, 1, qr/"pgBackRest.s3.bucket" is missing/ ],
	[ $head . $keys =~ s/key: k, //r, 3, 7, qr/"pgBackRest.s3.key" is missing/ ],
	[ $head . $keys =~ s/bbb/a b/r, 3, 16, qr/invalid value "a b" for "pgBackRest.s3.bucket"/ ],
	[
		$head . $keys =~ s{: h,}{: "http://h",}r, 3, 31,
		qr/invalid value "http:\/\/h".*HTTPS only/s
	],
	[
		$head . $keys =~ s{: h,}{: "https://h/path",}r, 3, 31,
		qr/invalid value "https:\/\/h\/path"/
	],
	[ $head . $keys =~ s{: h,}{: "h:70000",}r, 3, 31, qr/invalid value "h:70000"/ ],
	[
		$head . $keys =~ s/secret: s/secret: 'minio"123'/r,
		3, 50, qr/invalid value for "pgBackRest.s3.secret".*without quotes/s
	],
	[
		$head . $keys =~ s/secret: s/secret: "minio\\n123"/r,
		3, 50, qr/"pgBackRest.s3.secret" is too long or holds control/
	],
	[
		"$head$keys  existingSecret: x\n",
		3, 39, qr/"pgBackRest.s3.key" is set together with "pgBackRest.existingSecret"/
	],
	[ "$head$keys  configParams: [\"a=b\\n[global]\"]\n", 4, 18, qr/invalid value of option "a"/ ],
	[
		"$head$keys  configParams: ['[global]=1']\n", 4, 18,
		qr/is not made of pgBackRest's options/
	],
	[
		"$head$keys  configParams: [repo1-path=/x]\n",
		4, 18, qr/option "repo1-path" is also set by a key/
	],
	[ "$head$keys  configParams: [a=1, a=2]\n", 4, 23, qr/option "a" is there twice/ ],
	[
		"$head$keys  configParams: {repo-path: /x}\n",
		4, 29, qr/takes no option "repo-path".*repo1-/s
	],
	[
		"$head$keys  configParams: {repo1-retention-archive: 0}\n",
		4, 43, qr/invalid value "0" of option/
	],
	[
		"$head$keys  configParams: {repo1-cipher-type: aes-256-cbc}\n",
		4, 37, qr/needs "repo1-cipher-pass" beside it/
	],
	[
		"$head$keys  configParams: {repo1-cipher-pass: 'minio\"123'}\n",
		4, 37, qr/invalid value of option "repo1-cipher-pass"/
	],
	[ "pgBackRest: {a: [}\n", 1, 18, qr/is not YAML/ ])
{
	my ($text, $line, $column, $reason) = @$case;
	my ($status, $out, $errors) =
	  config($text, qw(config render -f), $file, "--env-file=$root/bad.env");
	my $name = $text =~ s/\n/~/gr;
	is($status, 2, "$name: exit status");
	like($errors, $reason, "$name: message");
	unlike($errors, qr/is missing/, "$name: what is wrong is not missing")
	  unless $reason =~ /missing/;
	like($errors, qr/File "\Q$file\E", line $line, column $column\./, "$name: place");
	unlike($errors, qr/minio/, "$name: no secret is shown");
	is($out, '', "$name: nothing is rendered");
	is( (config($text, qw(config check), $file))[2] =~ s/^.*detail: //r,
		$errors =~ s/^.*detail: //r,
		"$name: config check says the same");
}
ok(!-e "$root/bad.env", 'nothing was written for any of them');

# all of them at once
{
	my ($status, undef, $errors) =
	  config("${head}  fullRetention: 0\n  bogus: 1\n", qw(config render -f), $file);
	is(() = $errors =~ /: error: /g, 7, 'all that is wrong is told at once') or diag $errors;
}

# ---- what pgbackrest itself says of a pgbackrest.conf, and what it lets pass
for my $case (
	[ '', '', 0, qr/nothing is wrong with it\nstanza main\n/, qr/^$/ ],
	[ 'compress-type=lz9', '', 2, qr/^$/, qr/'lz9' is not allowed for 'compress-type' option/ ],
	[ 'process-max=0', '', 2, qr/^$/, qr/'0' is out of range for 'process-max' option/ ],
	[ 'start-fast=yes', '', 2, qr/^$/, qr/boolean option 'start-fast' must be 'y' or 'n'/ ],
	[ 'log-level-file=loud', '', 2, qr/^$/, qr/'loud' is not allowed for 'log-level-file'/ ],
	[ 'log-level-stderr=loud', '', 2, qr/^$/, qr/'loud' is not allowed for 'log-level-stderr'/ ],
	[ 'lock-path=x', '', 2, qr/^$/, qr{'x' must begin with / for 'lock-path' option} ],
	[ 'log-path=x', '', 2, qr/^$/, qr{'x' must begin with / for 'log-path' option} ],
	[ 'link-map=x', '', 2, qr/^$/, qr/'x' is not allowed|key\/value 'x'/ ],
	[ 'repo1-type=s3', '', 2, qr/^$/, qr/requires option: repo1-s3-bucket/ ],
	[
		'repo1-retention-ful=2', '', 0,
		qr/see the warnings/,
		qr/invalid option 'repo1-retention-ful'/
	],
	[
		"repo1-cipher-type=aes-256-cbc",
		'', 0,
		qr/see the warnings/,
		qr/"repo1-cipher-pass" is neither in the file.*set PGBACKREST_REPO1_CIPHER_PASS\./s
	],
	[ '', "[mian]\npg1-port=5433\n", 0, qr/see the warnings/, qr/is it a typo of \[main\]\?/ ])
{
	my ($global, $more, $expected, $summary, $reason) = @$case;
	my $name = "config check of \"" . ($global || $more =~ s/\n/~/gr) . '"';
	my $path = "$root/judged.conf";
	spew($path, "[global]\nrepo1-path=$root/none\n$global\n[main]\npg1-path=$root/none\n$more",
		0600);
	my ($status, $out, $errors) = $member->ctl(qw(config check --stanza=main), $path);
	is($status, $expected, "$name: exit status") or diag $errors;
	like($out, $summary, "$name: summary");
	like($errors, $reason, "$name: what is wrong");
}
{
	my ($status, $out, $errors) =
	  config("$head$keys  configParams: {compress-type: lz9}\n", qw(config check), $file);
	is($status, 2, 'a values file: pgbackrest judges what is rendered');
	like($errors, qr/'lz9' is not allowed/, 'a values file: and its words are told');
	($status, $out, $errors) = config("$head$keys", qw(config check), $file);
	is($errors, '', 'a values file: secrets are elsewhere, which is as it should be');
	like($out, qr/: values file, nothing is wrong with it/, 'a values file: nothing is wrong');
	($status, $out, $errors) =
	  config("$head$keys", qw(config check --pgbackrest=/nowhere/pgbackrest), $file);
	like(
		$errors,
		qr{did not judge the file: could not execute "/nowhere/pgbackrest"},
		'without pgbackrest: it is said');
	like($out, qr/nothing is wrong as far as is known without pgbackrest/, 'in the summary, too');
	is($status, 0, 'without pgbackrest: exit status');
	ok(!-e "$root/none", 'nothing was made');
}

# ---- clusters whose pgbackrest.conf is rendered: stanza, archiving, backups of these types and
# restore

# Bring one up with these values; gives the labels.
sub back_up_and_restore
{
	my ($name, $of, $text, @types) = @_;
	my $one = $of->member(1);
	my $folder = $of->sandbox->{root};
	my @params = map { "    $_->[0]: $_->[1]\n" } (
		[ 'lock-path', "$one->{dir}/lock" ],
		[ 'log-path', "$one->{dir}/pgbackrest-log" ],
		[ 'spool-path', "$one->{dir}/spool" ],
		[ 'start-fast', 'y' ]);
	spew("$folder/values.yaml", join '', $text, "  configParams:\n",
		@params, "    repo1-cipher-type: aes-256-cbc\n    repo1-cipher-pass: tell nobody\n");
	my ($status, undef, $errors) = $one->ctl(
		qw(config render -f), "$folder/values.yaml",
		"--env-file=$folder/own.env", "--output=$one->{config}",
		"--pg1-path=$one->{data}", "--pg1-port=$one->{port}",
		"--pg1-socket-path=$one->{socket}", '--pg1-user=postgres');
	is($status, 0, "$name: rendered") or diag $errors;
	local @ENV{ map { /^(\w+)=/mg } slurp("$folder/own.env") } =
	  slurp("$folder/own.env") =~ /^\w+='?(.*?)'?$/mg;
	$of->start;
	$one->psql('CREATE TABLE kept AS SELECT 42 AS answer');
	my @made = map {
		my $job = $one->sidecar->post_job(kind => 'backup', type => $_);
		$one->sidecar->wait_job($job->{id})->{label}
	} @types;
	$one->psql('SELECT pg_switch_wal()');

	mkdir "$folder/restored", 0700;
	$one->pgbackrest("--pg1-path=$folder/restored", '--archive-mode=off', 'restore');
	my $port = $of->sandbox->port;
	$of->sandbox->spawn($folder, 'restored', $one->bindir . '/postgres',
		'-D', "$folder/restored", '-p', $port, '-c', "unix_socket_directories=$folder");
	my @psql = ('psql', '-XAtq', '-h', $folder, '-p', $port, '-U', 'postgres', 'postgres', '-c');
	my $answer;
	wait_for
	{
		(my $failed, $answer) =
		  $one->_command('', @psql, 'SELECT answer FROM kept WHERE NOT pg_is_in_recovery()');
		!$failed && $answer
	}
	'the restored server to answer';
	is($answer, "42\n", "$name: an encrypted backup made with a rendered configuration restores");
	unlike(
		slurp($one->{config}),
		qr/tell nobody|minio/,
		"$name: without a secret in pgbackrest.conf");
	return @made;
}

{
	my $store = PgbrCluster->new(preload => 0, stanza => 'patroni', s3 => 1);
	my ($port, $key, $secret) = @{ $store->s3 }{qw(port key secret)};
	back_up_and_restore(
		'a bucket',
		$store,
		$values{s3} =~ s{minio-ingress-minio-service}{localhost:$port}r =~ s/"minio"/"$key"/r =~
		  s/"minio123"/"$secret"/r,
		'full');
	$store->stop;
	$store->s3->stop;
}

my $own = $values{rwx} =~ s{/var/lib/pgbackrest}{$root/repo}r . "  fullRetention: 2\n";
my @labels = back_up_and_restore('a folder', $cluster, $own, qw(full diff full));
$ENV{PGBACKREST_REPO1_CIPHER_PASS} = 'tell nobody';

# ---- what its retention does to the backups there are
{
	$member->sidecar->http(GET => '/v1/info?refresh=true&wait=30');
	my ($status, $out, $errors) = config($own, qw(config check --backups), $file);
	is($status, 0, 'config check: exit status') or diag $errors;
	like(
		$out,
		qr/the 2 newest are kept.*there are 3 before one is removed/,
		'config check: the retention in words');
	like(
		$out,
		qr/Next to expire: \Q$labels[0]\E, \Q$labels[1]\E\n/,
		'config check: what goes next, with what depends on it');
	like(
		$out,
		qr/\| \Q$labels[0]\E +\| after 1 more full backup +\| one of the 2 newest full backups/,
		'config check: when, and what keeps it');
	like(
		$out,
		qr/\| \Q$labels[1]\E +\| after 1 more full backup +\| kept as long as \Q$labels[0]\E, on which it depends/,
		'config check: the diff');
	like($out, qr/\| \Q$labels[2]\E +\| after 2 more full backups/, 'config check: the newest');

	# another retention is tried without being in force: pgbackrest agrees on what goes
	my $less = $own =~ s/fullRetention: 2/fullRetention: 1/r;
	($status, $out) = config($less, qw(config check -f json --backups), $file);
	is_deeply(
		decode_json($out)->{repositories}[0]{next_to_go},
		[ @labels[ 0, 1 ] ],
		'config check: a smaller retention');
	my $dry_run =
	  $member->pgbackrest('--repo1-retention-full=1', '--dry-run', '--log-level-console=info',
		'expire');
	is_deeply(
		[ sort $dry_run =~ /remove expired backup ([\w-]+)/g ],
		[ sort @labels[ 0, 1 ] ],
		'and pgbackrest would remove the same') or diag $dry_run;

	# the same of the pgbackrest.conf, with its stanza
	($status, $out, $errors) = $member->ctl(qw(config check --backups), $member->{config});
	is($status, 0, 'config check of a pgbackrest.conf: exit status') or diag $errors;
	like(
		$out,
		qr/: pgbackrest\.conf, nothing is wrong.*Next to expire: \Q$labels[0]\E, /s,
		'config check of a pgbackrest.conf: the same');
	($status, $out, $errors) =
	  $member->ctl(qw(config check --backups --stanza=other), $member->{config});
	is($status, 2, 'config check: a stanza that is not there');
	like($errors, qr/the sidecar knows no stanza "other"/, 'config check: is told');
	$member->sidecar->stop;
	is(($member->ctl(qw(config check --backups), $member->{config}))[0],
		3, 'config check: no sidecar');
	is(($member->ctl(qw(config check), $member->{config}))[0],
		0, 'config check: which is not needed without --backups');
	$member->sidecar->start;
}

# ---- what pgbackrest says of a file and what we say of it
for my $case (
	[
		"[global]\nio-timeout=1\nio-timeout=2\n",
		31, 2, qr/"io-timeout" is twice in section \[global\].*line 3\./s
	],
	[ "[global\n", 29, 2, qr/a section does not end with \].*line 1\./s ],
	[ "x=1\n", 29, 2, qr/an option stands before the first section.*line 1\./s ],
	[ "[global]\nio-timeout\n", 29, 2, qr/an option has no =.*line 2\./s ],
	[ "[global]\nio-timeout=\n", 32, 2, qr/an option has no value.*line 2\./s ],
	[
		"[global]\nno-online=y\n", 0, 0,
		qr/warning: pgbackrest ignores option "no-online".*line 2\./s
	],
	[
		"[global]\npg1-path=/x\n", 0, 0,
		qr/warning: pgbackrest ignores option "pg1-path" in section \[global\]/
	],
	[ "[global]\nrepo1-cipher-type=none\n# end\n", 0, 0, qr/^$/ ])
{
	my ($text, $theirs, $ours, $reason) = @$case;
	my $name = $text =~ s/\n/~/gr;
	delete local $ENV{PGBACKREST_REPO1_CIPHER_PASS};
	my ($status, $out, $errors) =
	  pgbackrest_with($text, {}, '--stanza=main', "--repo1-path=$root/none", 'info');
	is($status, $theirs, "$name: pgbackrest's exit code") or diag $out;
	($status, undef, $errors) = $member->ctl(qw(config check), "$root/tried.conf");
	is($status, $ours, "$name: ours");
	like($errors, $reason, "$name: message");
}
{
	spew("$root/open.conf", "[global]\nrepo1-s3-key=x\nrepo1-retention-full=0\n", 0644);
	my ($status, undef, $errors) = $member->ctl(qw(config check), "$root/open.conf");
	is($status, 2, 'a retention of 0 is refused');
	like(
		$errors,
		qr/"repo1-s3-key" is in a file that others can read/,
		'and a secret that others can read is told');
}

done_testing;
