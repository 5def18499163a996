# What the verbs of restores refuse before they ask anybody: values outside the grammar, by option
# and by environment. Patroni's place is a listener to which nobody may come. None of it can reach a
# command line or postgresql.auto.conf.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IPC::Run ();
use PgbrSandbox;
use Test::More;

my $sandbox = PgbrSandbox->new;
my $owned = "$sandbox->{root}/owned";
my $listener = IO::Socket::INET->new(
	Listen => 5,
	LocalAddr => '127.0.0.1',
	LocalPort => $sandbox->port,
	ReuseAddr => 1) or die "listen: $!\n";
my $asked = IO::Select->new($listener);
delete @ENV{ grep { /^(?:PGBRCTL_.*|TYPE|TARGET|SET|TARGET_TIMELINE|REPLICAS_ONLY)$/ } keys %ENV };

sub ctl
{
	my (@arguments) = @_;
	my ($out, $errors) = ('', '');
	IPC::Run::run(
		[
			"$ENV{PGBR_BUILD}/pgbackrest_ctl", @arguments,
			'--patroni-url=http://127.0.0.1:' . $listener->sockport
		],
		'<',
		\undef,
		'>',
		\$out,
		'2>',
		\$errors);
	return ($? >> 8, $errors);
}

sub refused
{
	my ($value, @arguments) = @_;
	my $told = $value =~ s/[\x00-\x1f\x7f].*//sr;
	for my $verb ([ 'restore', '--force' ], ['plan'])
	{
		my ($status, $errors) = ctl(@$verb, @arguments);
		my $name = join(' ', $verb->[0], @arguments) =~ s/[^ -~]/?/gr;
		is($status, 2, "$name is refused") or diag $errors;
		like($errors, qr/\Q$told\E/, "$name: the value is named");
		ok(!$asked->can_read(0), "$name: nobody was asked");
	}
	return;
}

my @texts = (
	"x'", 'x"', "x'; DROP TABLE mark; --",
	'x\\',
	"x\nrestore_command = 'touch $owned'",
	"x\rrecovery_target = ''",
	"x\t", "x\x7f", ' x', 'x ', 'x' x 64);
my %strange = (
	type => [
		'TIME', 'time ', ' time', 'times', 'preserve', 'none', 'standby', '--type=lsn', "time\n",
		"time\nrestore_command = 'touch $owned'", '$(id)'
	],
	set => [
		'latest', '20241023-141104',
		'20241023-141104f', '20241023-141104F ',
		'../20241023-141104F', '20241023-141104F/..',
		'--force', "20241023-141104F\n--type=none",
		'20241023-141104F --delta', '20241023-141104F_20241024-141104F',
		'$(id)', '`id`',
		';id'
	],
	'target-timeline' => [
		'latest', 'current', '0', '-1', '+1', '0x2', '1.5', '4294967296', '2 --delta', "2\n", '2;',
		'two', '18446744073709551618'
	]);
my %targets = (
	time => [
		'2024-10-23 14:11:04',
		'2024-10-23',
		'now',
		'yesterday',
		'2024-10-23 14:11:04 Europe/Berlin',
		'2024-10-23 14:11:04 EST',
		'2024-02-30 00:00:00Z',
		'2024-10-23 24:11:04Z',
		'2024-10-23 14:11:04.1234567Z',
		'2024-10-23 14:11:04+99',
		'1969-12-31 23:59:59Z',
		'10000-01-01 00:00:00Z',
		"2024-10-23 14:11:04+00'",
		"2024-10-23 14:11:04+00\nrestore_command = 'touch $owned'",
		'2024-10-23 14:11:04+00 --delta',
		'1729692664'
	],
	lsn => [
		'0', '5000028', '0/', '/5', '0/0', '0/5000028 ',
		'g/0', '0/123456789', "0/5'", "0/5\n", '0/5;', '-1/5',
		'0x0/5'
	],
	xid => [
		'0', '1', '2', '-7', '+7', '7.5', '0x7', '7 ', '7;', "7'", "7\n", '7 --delta', 'seven',
		'18446744073709551616'
	],
	name => \@texts);

for my $option (sort keys %strange)
{
	my @more = $option eq 'target-timeline' ? ('--type=time', '--target=2024-10-23 14:11:04Z') : ();
	subtest "--$option" => sub { refused($_, "--$option=$_", @more) for @{ $strange{$option} } };
	subtest "$option in the environment" => sub {
		my $variable = uc $option =~ s/-/_/r;
		for my $value (@{ $strange{$option} })
		{
			local $ENV{$variable} = $value;
			refused($value, @more);
		}
	};
}
for my $type (sort keys %targets)
{
	subtest "a target of type $type" =>
	  sub { refused($_, "--type=$type", "--target=$_") for @{ $targets{$type} } };
	subtest "the same in the environment" => sub {
		for my $value (@{ $targets{$type} })
		{
			local @ENV{qw(TYPE TARGET)} = ($type, $value);
			refused($value);
		}
	};
}
subtest 'members' => sub {
	refused($_, "--without-member=$_") for "m1\n", "m1\x1b[2J", 'm' x 300;
	refused($_, '--replicas-only', "--member=$_") for "m1\n", 'm' x 300;
};
subtest 'what does not go together' => sub {
	refused('--target', '--target=0/5');
	refused('--target', '--type=immediate', '--target=0/5');
	refused('--target', "--type=$_") for qw(time lsn xid name);
	refused('--target-exclusive', @$_, '--target-exclusive')
	  for ['--type=immediate'], [ '--type=name', '--target=x' ], ['--type=default'], [];
	refused('--keep-old', '--replicas-only', '--keep-old');
	refused('--member', '--member=m1');
	refused('--verify', '--verify', '--no-verify');
};
subtest 'REPLICAS_ONLY' => sub {
	for my $value ('maybe', '2', 'true; id', "true\n")
	{
		local $ENV{REPLICAS_ONLY} = $value;
		refused($value);
	}
};
subtest 'the operand of undo' => sub {
	for my $value ('../x', 'x y', "x\n", '$(id)', "x'", 'x' x 100)
	{
		my ($status, $errors) = ctl('undo', '--force', $value);
		is($status, 2, 'refused') or diag $errors;
		my $told = $value =~ s/\n.*//sr;
		like($errors, qr/\Q$told\E/, 'the value is named');
		ok(!$asked->can_read(0), 'nobody was asked');
	}
};
ok(!-e $owned, 'nothing was executed');

done_testing;
