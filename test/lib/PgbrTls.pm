# Certificates for tests: authorities, what they sign, what they revoke; and HTTPS with these, by
# curl.
#
# All files lie in one folder and are called after what they hold: NAME.crt, NAME.key, NAME.crl.
package PgbrTls;
use strict;
use warnings;
use IPC::Run;
use JSON::PP;
use PgbrSandbox qw(slurp spew);

my @new_key = qw(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes);

sub new
{
	my ($class, $sandbox, $dir) = @_;
	return bless { sandbox => $sandbox, dir => $dir, revoked => {} }, $class;
}

sub openssl
{
	my ($self, @arguments) = @_;
	$self->{sandbox}->run($self->{dir}, 'openssl', 'openssl', @arguments);
	return;
}

sub path { my ($self, $name) = @_; return "$self->{dir}/$name" }

# A CA that signs for itself; signer: another that signs for it.
sub ca
{
	my ($self, $name, %with) = @_;
	return $self->certificate(
		$name, $with{signer},
		usage => undef,
		extensions => [ 'basicConstraints=critical,CA:TRUE', 'keyUsage=keyCertSign,cRLSign' ]
	) if $with{signer};
	$self->openssl(qw(req -x509 -days 2),
		@new_key, '-subj', "/CN=$name", '-keyout', "$name.key", '-out', "$name.crt");
	return $self;
}

# One that a CA signs. usage: its extended key usages, or undef for none; subject: /CN=NAME when it
# is not said; names: its alternative names instead of those of this host; days: which may lie in
# the past; extensions: more lines of them.
sub certificate
{
	my ($self, $name, $ca, %with) = @_;
	my $usage = exists $with{usage} ? $with{usage} : 'clientAuth';
	my @lines = (
		'subjectAltName=' . ($with{names} // 'IP:127.0.0.1,DNS:localhost'),
		defined $usage ? "extendedKeyUsage=$usage" : (),
		@{ $with{extensions} // [] });
	spew($self->path("$name.ext"), join "\n", @lines, '');
	$self->openssl('req', '-utf8', @new_key, '-subj', $with{subject} // "/CN=$name",
		'-keyout', "$name.key", '-out', "$name.csr");
	$self->openssl(
		qw(x509 -req), '-in', "$name.csr", '-CA',
		"$ca.crt", '-CAkey', "$ca.key", '-CAcreateserial',
		'-extfile', "$name.ext", '-out', "$name.crt",
		'-days', $with{days} // 2);
	chmod 0600, $self->path("$name.key");
	return $self;
}

sub _der_length
{
	my ($length) = @_;
	return chr $length if $length < 128;
	my $bytes = pack('N', $length) =~ s/^\0+//r;
	return chr(0x80 | length $bytes) . $bytes;
}

# Where the content of a DER element begins, and its length.
sub _der_content
{
	my ($der, $at) = @_;
	my $length = ord substr $der, $at + 1, 1;
	return ($at + 2, $length) if $length < 128;
	my $bytes = $length & 0x7f;
	return ($at + 2 + $bytes, unpack 'N', "\0" x (4 - $bytes) . substr $der, $at + 2, $bytes);
}

# A certificate with other bytes, of the same length, in the place of some of it, and signed again
# by its CA: for names that openssl would not write.
sub forge
{
	my ($self, $name, $ca, $from, $to) = @_;
	$self->openssl('x509', '-in', "$name.crt", '-outform', 'DER', '-out', "$name.der");
	my $der = slurp($self->path("$name.der"));
	my ($start) = _der_content($der, 0);
	my ($tbs_start, $tbs_length) = _der_content($der, $start);
	my $tbs = substr $der, $start, $tbs_start + $tbs_length - $start;
	my ($rule_start, $rule_length) = _der_content($der, $tbs_start + $tbs_length);
	my $rule = substr $der, $tbs_start + $tbs_length,
	  $rule_start + $rule_length - $tbs_start - $tbs_length;
	length $from == length $to or die "another length\n";
	$tbs =~ s/\Q$from\E/$to/ or die "\"$from\" is not in it\n";
	spew($self->path("$name.tbs"), $tbs);
	$self->openssl(qw(dgst -sha256 -sign), "$ca.key", '-out', "$name.signature", "$name.tbs");
	my $signature = "\0" . slurp($self->path("$name.signature"));
	my $content = "$tbs$rule\x03" . _der_length(length $signature) . $signature;
	spew($self->path("$name.der"), "\x30" . _der_length(length $content) . $content);
	$self->openssl(qw(x509 -inform DER), '-in', "$name.der", '-out', "$name.crt");
	return $self;
}

# Make the CA's list of what it has revoked by now: these, too. It is current until days from now.
sub crl
{
	my ($self, $ca, %with) = @_;
	push @{ $self->{revoked}{$ca} }, @{ $with{revoke} // [] };
	my $index = '';
	for my $name (@{ $self->{revoked}{$ca} // [] })
	{
		my ($serial) = $self->serial($name) =~ /^serial=(\w+)$/m;
		$index .= "R\t491231235959Z\t240101000000Z\t$serial\tunknown\t/CN=$name\n";
	}
	spew($self->path("$ca.index"), $index);
	spew($self->path("$ca.index.attr"), "unique_subject = no\n");
	spew($self->path("$ca.cnf"),
		"[ca]\ndefault_ca=ca_of_test\n[ca_of_test]\ndatabase=$self->{dir}/$ca.index\ndefault_md=sha256\n"
	);
	my @time =
	  $with{expired}
	  ? (qw(-crl_lastupdate 20240101000000Z -crl_nextupdate 20240102000000Z))
	  : (qw(-crldays 2));
	$self->openssl(
		qw(ca -gencrl), '-config', "$ca.cnf", '-cert',
		"$ca.crt", '-keyfile', "$ca.key", @time,
		'-out', "$ca.crl.new");
	rename $self->path("$ca.crl.new"), $self->path("$ca.crl") or die "rename: $!\n";
	return $self;
}

sub serial
{
	my ($self, $name) = @_;
	my $path = $self->path("$name.crt");
	return scalar `openssl x509 -noout -serial -in '$path'`;
}

# The serial of what is served at a port.
sub served_serial
{
	my ($self, $port) = @_;
	return
	  scalar
	  `openssl s_client -connect 127.0.0.1:$port </dev/null 2>/dev/null | openssl x509 -noout -serial`;
}

# Put a certificate and its key into the places of others, one after the other, each at once.
sub replace_pair
{
	my ($self, $from, $to) = @_;
	for my $kind (qw(crt key))
	{
		rename spew($self->path("new.$kind"), slurp($self->path("$from.$kind")), 0600),
		  $self->path("$to.$kind")
		  or die "rename: $!\n";
	}
	return $self;
}

# What curl is told in order to show a certificate.
sub as_client
{
	my ($self, $name) = @_;
	return ('--cert', $self->path("$name.crt"), '--key', $self->path("$name.key"));
}

# One request, with more options of curl: gives status (0: none), content, json when it is some, and
# curl's exit code.
sub https
{
	my ($self, $port, $path, @options) = @_;
	my @command = (
		'curl', '-s', '-g', '--max-time', 20, '--cacert', $self->path('ca.crt'),
		'-w', '\n%{http_code}', @options, "https://127.0.0.1:$port$path");
	IPC::Run::run(\@command, '>', \my $out, '2>', \my $errors);
	my $exit = $? >> 8;
	my ($content, $status) = $out =~ /\A(.*)\n(\d+)\z/s;
	my $json = $content =~ /\A[\[{]/ ? eval { JSON::PP->new->utf8->decode($content) } : undef;
	return { status => $status + 0, content => $content, json => $json, exit => $exit };
}

1;
