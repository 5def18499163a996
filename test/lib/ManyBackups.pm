# A long history without the time it takes to make one: a backup.info that pgbackrest accepts.
#
#	make_backups("$repo/backup/main", 2000);
#
# A full every week, a diff every day, an incr every six hours, the last of them yesterday. They
# exist in backup.info alone, which is all that info reads: nothing can be restored, and a real
# backup or expire strikes out what has no manifest.
package ManyBackups;
use strict;
use warnings;
use Digest::SHA qw(sha1_hex);
use Exporter 'import';
use JSON::PP;
use POSIX       qw(strftime);
use PgbrSandbox qw(slurp spew);

our @EXPORT_OK = qw(age_backups make_backups);

my $json = JSON::PP->new->canonical;
my ($on, $off) = (JSON::PP::true, JSON::PP::false);
my $interval = 6 * 3600;
my ($a_day, $a_week) = (4, 28);
my $wal_segments = 4;    # between two backups

# Give a stanza that exists these backups in place of its own; folder is its part of the
# repository's backup/. Gives the labels, oldest first.
sub make_backups
{
	my ($folder, $count) = @_;
	my %sections = _read($folder);
	my @backups = _backups($count);
	$sections{'backup:current'} = [ map { [ $_->[0], $json->encode($_->[1]) ] } @backups ];
	_write($folder, %sections);
	return map { $_->[0] } @backups;
}

# Make backups that exist older: label => days, counted from now to the end of each.
sub age_backups
{
	my ($folder, %days) = @_;
	my %sections = _read($folder);
	for my $row (@{ $sections{'backup:current'} })
	{
		my ($label, $text) = @$row;
		defined $days{$label} or next;
		my $backup = $json->decode($text);
		my $shift = $backup->{'backup-timestamp-stop'} - (time - $days{$label} * 86400);
		$backup->{"backup-timestamp-$_"} -= $shift for qw(start stop);
		$row->[1] = $json->encode($backup);
	}
	_write($folder, %sections);
	return;
}

# Of each section of backup.info its rows, key and value.
sub _read
{
	my ($folder) = @_;
	my ($name, %sections);
	for (split /\n/, slurp("$folder/backup.info"))
	{
		$name = $1 if /^\[(.+)\]$/;
		push @{ $sections{$name} }, [ $1, $2 ] if /^(.+?)=(.+)$/ && $1 ne 'backrest-checksum';
	}
	die "there is no stanza in \"$folder\"\n" unless $sections{db};
	return %sections;
}

sub _write
{
	my ($folder, %sections) = @_;
	my $text = join "\n", map { _section($_, @{ $sections{$_} }) } sort keys %sections;
	$text .= "\n" . _section('backrest', [ 'backrest-checksum', '"' . _checksum(%sections) . '"' ]);
	# pgbackrest keeps the file twice
	spew("$folder/backup.info$_", $text) for '', '.copy';
	return;
}

sub _section
{
	my ($name, @rows) = @_;
	return "[$name]\n" . join '', map { "$_->[0]=$_->[1]\n" } @rows;
}

# pgbackrest's: of the same content as one JSON object, a section a member.
sub _checksum
{
	my (%sections) = @_;
	my @members;
	for my $name (sort keys %sections)
	{
		push @members,
		  qq("$name":{) . join(',', map { qq("$_->[0]":$_->[1]) } @{ $sections{$name} }) . '}';
	}
	return sha1_hex('{' . join(',', @members) . '}');
}

sub _backups
{
	my ($count) = @_;
	my $first = time - 86400 - $count * $interval;
	my ($full, @chain, @backups);
	for my $number (0 .. $count - 1)
	{
		my $start = $first + $number * $interval;
		my $type = $number % $a_week == 0 ? 'full' : $number % $a_day == 0 ? 'diff' : 'incr';
		my $label = strftime('%Y%m%d-%H%M%S', gmtime $start);
		$label = $type eq 'full' ? $full = "${label}F" : "${full}_$label" . uc substr $type, 0, 1;
		my @reference = $type eq 'full' ? () : $type eq 'diff' ? $full : @chain;
		push @backups, [ $label, _backup($type, $start, 1 + $number * $wal_segments, @reference) ];
		@chain = (@reference, $label);
	}
	return @backups;
}

# What backup.info says of one; reference is what it depends on, last its prior.
sub _backup
{
	my ($type, $start, $segment, @reference) = @_;
	my $size = 90_000_000 + 8192 * $segment;
	my $delta = $type eq 'full' ? $size : 8_000_000 + $start % 1_000_000;
	my $wal = sprintf '00000001%08X%08X', $segment >> 8, $segment & 255;
	my %backup = (
		'backrest-format' => 5,
		'backrest-version' => '2.45',
		'backup-annotation' => { timestamp => strftime('%Y%m%dT%H%M%S', gmtime $start) },
		'backup-archive-start' => $wal,
		'backup-archive-stop' => $wal,
		'backup-error' => $off,
		'backup-info-repo-size' => $size >> 4,
		'backup-info-repo-size-delta' => $delta >> 4,
		'backup-info-size' => $size,
		'backup-info-size-delta' => $delta,
		'backup-lsn-start' => _lsn($segment, 0x28),
		'backup-lsn-stop' => _lsn($segment, 0x100),
		'backup-timestamp-start' => $start,
		'backup-timestamp-stop' => $start + 120,
		'backup-type' => $type,
		'db-id' => 1,
		'option-archive-check' => $on,
		'option-archive-copy' => $off,
		'option-backup-standby' => $off,
		'option-checksum-page' => $on,
		'option-compress' => $on,
		'option-hardlink' => $off,
		'option-online' => $on);
	@backup{qw(backup-prior backup-reference)} = ($reference[-1], \@reference) if @reference;
	return \%backup;
}

sub _lsn
{
	my ($segment, $offset) = @_;
	return sprintf '%X/%X', $segment >> 8, (($segment & 255) << 24) + $offset;
}

1;
