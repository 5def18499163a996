# Answers of a sidecar as they are agreed, and wrong ones: JSON, but of another shape or with values
# of another type.
package PgbrWrongAnswers;
use strict;
use warnings;
use Exporter 'import';
use JSON::PP;

our @EXPORT_OK = qw(@wrong_infos @wrong_jobs info info_of_backup job);

sub job
{
	return {
		id => '20261122T154107',
		kind => 'backup',
		type => 'full',
		state => 'running',
		dry_run => JSON::PP::false,
		requested_at => '2026-11-22T15:41:07Z',
		started_at => '2026-11-22T15:41:08Z',
		@_,
		map({ $_ => undef } qw(repo annotations set covered_by reason))
	};
}

sub info
{
	return {
		fetched_at => '2026-11-22T15:41:07Z',
		age_seconds => 1,
		error => undef,
		stanzas => [],
		@_
	};
}

sub info_of_backup
{
	my %backup = @_;
	return info(stanzas => [ { name => 'main', backup => [ { label => 'x', %backup } ] } ]);
}

# to GET /v1/info; a test names them by their place here
our @wrong_infos = (
	[],
	'null', '"text"', '1', 'true',
	{},
	info(stanzas => undef),
	info(stanzas => 'none'),
	info(stanzas => {}),
	info(stanzas => [1]),
	info(stanzas => [undef]),
	info(stanzas => [ [] ]),
	info(stanzas => [ {} ]),
	info(stanzas => [ { name => 5 } ]),
	info(stanzas => [ { name => 'main', backup => 'none' } ]),
	info(stanzas => [ { name => 'main', backup => ['x'] } ]),
	info(stanzas => [ { name => 'main', db => [ { id => 'one' } ] } ]),
	info(stanzas => [ { name => 'main', status => { code => 1.5 } } ]),
	info(stanzas => [ { name => 'main', repo => [ { key => 3000000000 } ] } ]),
	info(fetched_at => 'yesterday noon'),
	info(fetched_at => '2026-13-45T99:00:00Z'),
	info(age_seconds => 'old'),
	info(age_seconds => -1),
	info(age_seconds => 1e300),
	info(error => 'bad'),
	info(error => { code => 'x' }),
	info(retention => 'long'),
	info(retention => { repositories => [] }),
	info(retention => { repositories => { 1 => 'x' } }),
	info(retention => { repositories => { 1 => { backups => { x => [] } } } }),
	info(retention => { repositories => { 1 => { backups => { x => { pinned => 'yes' } } } } }),
	info(
		retention =>
		  { repositories => { 1 => { archives => { x => { point_in_time_from => 'then' } } } } }),
	info_of_backup(label => undef),
	info_of_backup(label => {}),
	info_of_backup(type => 1),
	info_of_backup(reference => 'x'),
	info_of_backup(reference => [1]),
	info_of_backup(reference => [ ['x'] ]),
	info_of_backup(annotation => 'x'),
	info_of_backup(annotation => { timestamp => 1 }),
	info_of_backup(error => 'no'),
	info_of_backup(info => []),
	info_of_backup(info => { size => '5' }),
	info_of_backup(info => { size => 1.5 }),
	info_of_backup(info => { size => 1e30 }),
	info_of_backup(info => { repository => { delta => JSON::PP::true } }),
	info_of_backup(lsn => { start => 'x' }),
	info_of_backup(lsn => { start => 5 }),
	info_of_backup(timestamp => { start => -1 }),
	info_of_backup(timestamp => { stop => 1e18 }),
	info_of_backup(database => { 'repo-key' => {} }));

# to GET /v1/jobs
our @wrong_jobs = (
	{},
	{ jobs => {} },
	{ jobs => [5] },
	{ jobs => [], next => 5 },
	map({ { jobs => [$_] } }{},
		job(id => undef),
		job(state => 5),
		job(requested_at => 'x'),
		job(progress => 5),
		job(progress => { percent => 'x' }),
		job(exit_code => 1.5),
		job(requested_at => undef)));

1;
