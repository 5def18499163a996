# What deploy/ and the verb manifest give: objects that Kubernetes' own schemas and kubectl accept,
# a unit that systemd accepts, and a Patroni configuration that a cluster with schedules and backups
# comes up from. No Kubernetes is needed.
use strict;
use warnings;
use Cwd      qw(getcwd);
use IPC::Run ();
use PgbrCluster;
use PgbrSandbox qw(slurp spew wait_for);
use PgbrValues  qw(%values);
use PgbrSidecarTest;
use Test::More;

my $cluster = PgbrCluster->new(members => 1, patroni => 1);
my $member = $cluster->member(1);
my $sandbox = $cluster->sandbox;
my $dir = $sandbox->{root};
my $source = getcwd;
my $data = '--pg1-path=/var/lib/postgresql/data';

my %file = map { $_ => spew("$dir/$_.yaml", $values{$_}) } keys %values;

# Run a command on an input: its exit status, output and errors.
sub run_on
{
	my ($input, @argv) = @_;
	IPC::Run::run(\@argv, '<', \$input, '>', \my $out, '2>', \my $errors);
	return ($? >> 8, $out, $errors);
}

sub manifest
{
	my ($file, @options) = @_;
	return run_on('', "$ENV{PGBR_BUILD}/pgbackrest_ctl", 'manifest', "--file=$file", $data,
		@options);
}

sub kubectl { return run_on('', 'kubectl', @_) }

# The documents of a kind and name.
sub find
{
	my ($yaml, $kind, $name) = @_;
	return grep { /^kind: $kind$/m && /^  name: $name$/m } split /^---$/m, $yaml;
}

for my $name (sort keys %values)
{
	subtest "manifest of $name" => sub {
		my $to = "$dir/out-$name";
		mkdir $to;
		spew("$to/statefulset.yaml", slurp("$source/deploy/kubernetes/statefulset.yaml"));
		my ($status, $out, $errors) = manifest($file{$name}, "--output-dir=$to");
		is("$status$out$errors", '0', 'files are written, and nothing is said');
		($status, my $yaml, $errors) = kubectl('kustomize', $to);
		is($status, 0, 'kubectl kustomize takes them') or diag $errors;
		($status, $out, $errors) =
		  run_on($yaml, '/usr/bin/python3', "$source/test/lib/kubernetes_check.py");
		is("$status$errors", '0', "Kubernetes' schemas take all of it") or diag $out;
		is(scalar(find($yaml, 'Service', $_)), 1, "Service $_")
		  for qw(backrest backrest-standby backrest-headless postgres-backup-daemon);
		is(scalar(find($yaml, 'ConfigMap', 'pgbackrest-conf')), 1, 'ConfigMap pgbackrest-conf');
		is( scalar(find($yaml, 'PersistentVolumeClaim', 'pgbackrest-backups')),
			$name eq 'rwx' || $name eq 'provisioned' ? 1 : 0,
			'the claim goes with a repository on a disk');
		my ($set) = find($yaml, 'StatefulSet', 'patroni');
		like($set, qr/name: pgbackrest-sidecar/, 'the sidecar is in the StatefulSet');
		like($set, qr/shareProcessNamespace: true/, 'which shares its processes');
		unlike($set, qr/--insecure-no-auth/, 'and asks who comes over the network');
		like($set, qr/--token-file=\S+\n/, 'by tokens');
		like($set, qr/secretName: pgbackrest-tokens$/m, 'of a Secret');
		like($set, qr/--allowed-host=$_,$_\.\$\(POD_NAMESPACE\),/, "and may be called $_")
		  for qw(backrest backrest-standby backrest-headless postgres-backup-daemon);
		like(
			$set,
			qr/name: POD_NAMESPACE\n\s+valueFrom:\n\s+fieldRef:\n(?:\s+apiVersion: v1\n)?\s+fieldPath: metadata\.namespace/,
			'in its own namespace');
		like(
			$set,
			qr{--socket=/var/lib/postgresql/pgbackrest_sidecar/sidecar\.sock\n},
			"PostgreSQL's container has its socket");
		like($set, qr/name: STORAGE_TYPE\n\s+value: pgbackrest/, 'STORAGE_TYPE is set');
		like($set, qr/serviceAccountName: patroni/, 'and keeps what it had');
	};
}

subtest 'kubectl patches a StatefulSet' => sub {
	my $patch = slurp("$dir/out-rwx/statefulset-patch.yaml");
	my ($status, $out, $errors) =
	  kubectl('patch', '--local', '--type=strategic', '-o', 'yaml',
		'-f', "$source/deploy/kubernetes/statefulset.yaml",
		'--patch', $patch);
	is($status, 0, 'it takes the patch') or diag $errors;
	is(() = $out =~ /^\s+(?:- )?mountPath: \/var\/lib\/pgbackrest$/mg,
		2, 'both containers see the repository');
	like($out, qr/mountPath: \/var\/lib\/postgresql$/m, 'and PostgreSQL still its data');
};

subtest 'volumes' => sub {
	like(
		slurp("$dir/out-rwx/resources.yaml"),
		qr/storageClassName: ''\n\s+volumeName: pg-backrest-backups-pv-1/,
		'one that exists is bound by name');
	like(
		slurp("$dir/out-provisioned/resources.yaml"),
		qr/storageClassName: nfs\n(?!\s+volumeName)/,
		'one is provided by its class');
};

subtest 'resources' => sub {
	my $ours = qr/^        resources:\n/m;
	like(
		slurp("$dir/out-provisioned/statefulset-patch.yaml"),
		qr/$ours\s+requests:\n\s+cpu: '1'\n\s+memory: '?128Mi'?\n\s+limits:\n\s+memory: '?2Gi'?\n/,
		'they are those of the values');
	unlike(slurp("$dir/out-rwx/statefulset-patch.yaml"),
		qr/limits:/, 'no limit is ours: a restore starts PostgreSQL there');
};

subtest 'secrets' => sub {
	my $secret = "$dir/out-s3/secret.yaml";
	like(slurp($secret), qr/PGBACKREST_REPO1_S3_KEY_SECRET: minio123/, 'they are in the Secret');
	is((stat $secret)[2] & 0777, 0600, 'which others can not read');
	is((stat "$dir/out-s3/resources.yaml")[2] & 0777, 0644, 'the rest they can');
	unlike(slurp("$dir/out-s3/$_"), qr/minio123/, "$_ knows nothing of it")
	  for qw(resources.yaml statefulset-patch.yaml kustomization.yaml);
	like(
		slurp("$dir/out-s3/statefulset-patch.yaml"),
		qr/secretRef:\n\s+name: pgbackrest-secret/,
		'the containers get it');
	ok(!-e "$dir/out-existing/secret.yaml", 'with existingSecret none is made');
	like(
		slurp("$dir/out-existing/statefulset-patch.yaml"),
		qr/secretRef:\n\s+name: backup-keys/,
		'it is named');

	my @s3 = ("$ENV{PGBR_BUILD}/pgbackrest_ctl", 'manifest', "--file=$file{s3}", $data);
	spew("$dir/open", '', 0644);
	IPC::Run::run(\@s3, '>', "$dir/open", '2>', \my $errors);
	is($? >> 8, 2, 'a file that others can read does not get it');
	like(
		$errors,
		qr/others could read the file with the Secret\n.*--output-dir, or "umask 077"/s,
		'and it is said why');
	is(-s "$dir/open", 0, 'nothing was written');
	spew("$dir/closed", '', 0600);
	IPC::Run::run(\@s3, '>', "$dir/closed");
	like(slurp("$dir/closed"), qr/minio123/, 'a file of our own does');
};

subtest 'options of the sidecar' => sub {
	my ($status, $help) = run_on('', "$ENV{PGBR_BUILD}/pgbackrest_sidecar", '--help');
	my @options = slurp("$dir/out-rwx/statefulset-patch.yaml") =~ /'(--[a-z-]+)/g;
	cmp_ok(scalar @options, '>=', 5, 'the container has a command line');
	like($help, qr/^\s+\Q$_\E\b/m, "$_ exists") for @options;
};

subtest 'what is refused' => sub {
	my @refused = (
		[ ["--namespace=Not a name"], qr/invalid value "Not a name" for --namespace/ ],
		[ ['--selector=app'], qr/invalid value "app" for --selector/ ],
		[ ["--leader-label=role=a\nb"], qr/invalid value .* for --leader-label/s ],
		[ ['--statefulset=-x'], qr/invalid value "-x" for --statefulset/ ],
		[ ['--data-mount=relative'], qr/must be an absolute path/ ],
		[ [ '--data-mount=/' . 'x' x 100 ], qr/socket can't be/ ],
		[ ['--data-mount=/a b'], qr/socket can't be/ ],
		[ ["--stanza=a b"], qr/stanza/ ],
		[ ['--pg-conninfo=host=127.0.0.1 password=x'], qr/--pg-conninfo holds a password/ ]);
	for (@refused)
	{
		my ($options, $message) = @$_;
		my ($status, $out, $errors) = manifest($file{rwx}, @$options);
		is("$status$out", '2', "$options->[0] is refused");
		like($errors, $message, 'by its name');
	}
	my $sizeless =
	  spew("$dir/sizeless.yaml", "pgBackRest: {repoType: rwx, rwx: {type: pv, volumes: [a]}}\n");
	my ($status, undef, $errors) = manifest($sizeless);
	is($status, 2, 'a volume without a size is refused');
	like($errors, qr/size/, 'and it is said');
};

subtest 'what a build needs' => sub {
	for my $container (qw(sidecar postgresql))
	{
		my ($build) = slurp("$source/deploy/container/Containerfile.$container") =~
		  /^FROM \S+ AS build\n(.*?)^FROM/ms;
		like(
			$build,
			qr/^RUN .* install -y --no-install-recommends make$/m,
			"Containerfile.$container installs make");
		like(
			$build,
			qr/^RUN make -C \/src build-deps && make -C \/src && make -C \/src install DESTDIR=\/out$/m,
			'which installs the rest');
	}
};

subtest 'systemd' => sub {
	my $unit = slurp("$ENV{PGBR_DEST}/usr/local/lib/systemd/system/pgbackrest_sidecar.service");
	my ($program) = $unit =~ m{^ExecStart=(/usr/local/bin/pgbackrest_sidecar)$}m;
	ok(-x "$ENV{PGBR_DEST}$program",
		'make install installs the unit and the program that it starts');
	like($unit, qr/^User=postgres\nGroup=postgres$/m, "which runs as PostgreSQL's user");
	like(
		$unit,
		qr/^StateDirectory=pgbackrest_sidecar\nStateDirectoryMode=0700$/m,
		'with a state folder of its own');
	$unit =~ s{^ExecStart=\K\S+}{$ENV{PGBR_BUILD}/pgbackrest_sidecar}m;
	my $path = spew("$dir/pgbackrest_sidecar.service", $unit);
	my ($status, $out, $errors) = run_on('', 'systemd-analyze', 'verify', '--man=no', $path);
	is("$status$out$errors", '0', 'it takes the unit, and has nothing to say');
	($status, $out) =
	  run_on('', 'systemd-analyze', 'security', '--offline=yes', '--threshold=30', $path);
	is($status, 0, 'and finds it hardened') or diag $out;
	my (undef, $help) = run_on('', "$ENV{PGBR_BUILD}/pgbackrest_sidecar", '--help');
	like($help, qr/\[PGBR_SIDECAR_STANZA\]/, 'the settings can come from its environment file');
};

subtest 'Patroni' => sub {
	my $yaml = slurp("$source/deploy/patroni/patroni.yml");
	my $settings = slurp("$member->{dir}/server.conf");
	my $pgbackrest = "pgbackrest --config=$member->{config}";
	# where this cluster has what the example has elsewhere; the server's settings of the tests are
	# kept
	$settings =~ s/^pgbackrest_ctl\..*\n//mg;
	spew("$dir/server.conf", $settings);
	my %here = (
		'hosts: \[[^\]]*\]' => "hosts: [127.0.0.1:$cluster->{etcd_port}]",
		'(?:0\.0\.0\.0|10\.0\.0\.11):8008' => "127.0.0.1:$member->{rest_port}",
		'(?:0\.0\.0\.0|10\.0\.0\.11):5432' => "127.0.0.1:$member->{port}",
		'/var/lib/postgresql/15/main' => $member->data,
		'/usr/lib/postgresql/15/bin' => $member->bindir,
		'/var/lib/postgresql/.pgpass_patroni' => "$dir/pgpass",
		'unix:/var/run/postgresql/pgbackrest_sidecar\.sock' => $member->sidecar->url,
		'local all all peer' => 'local all all trust',
		'\bpgbackrest --' => "$pgbackrest --",
		'10\.0\.0\.0/24' => '127.0.0.1/32');
	for my $there (sort keys %here)
	{
		ok($yaml =~ s/$there/$here{$there}/g, "the example says $there");
	}
	$yaml =~
	  s{^(  parameters:\n)}{  custom_conf: $dir/server.conf\n$1    unix_socket_directories: '$member->{socket}'\n}m;
	spew("$member->{dir}/patroni.yml", $yaml, 0600);
	$cluster->start;
	is( $member->psql(
			'CREATE EXTENSION pgbackrest_ctl; SELECT count(*) FROM pgbr_schedule WHERE active'),
		3,
		'three schedules are in force');
	is($member->psql(q{SELECT state FROM pgbr_job(pgbr_backup('full', wait => true))}),
		'succeeded', 'a backup is made');
	is($member->patroni(GET => '/config')->{check_timeline},
		1, 'no member on an old timeline leads');
	$cluster->stop;
};

done_testing;
