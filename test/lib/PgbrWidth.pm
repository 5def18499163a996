# How wide a text is on a terminal, of which wide characters take two columns and accents none.
package PgbrWidth;
use strict;
use warnings;
use Encode qw(decode);
use Exporter 'import';
use Test::More;

our @EXPORT = qw(width_of is_within);

sub width_of
{
	my ($bytes) = @_;
	my $text = decode('UTF-8', $bytes);
	$text =~ s/\p{Mn}//g;
	$text =~ s/\p{East_Asian_Width=W}|\p{East_Asian_Width=F}/xx/g;
	return length $text;
}

# No line of the output is wider than so many columns, and there is one that could have been.
sub is_within
{
	my ($columns, $out, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @lines = split /\n/, $out;
	my @wide = grep { width_of($_) > $columns } @lines;
	return ok(@lines && !@wide, "$name: within $columns columns") || diag "too wide:\n", join "\n",
	  @wide ? @wide : 'no output';
}

1;
