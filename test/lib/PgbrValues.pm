# Values files that tests share, by what is particular to them.
package PgbrValues;
use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(%values);

our %values = (
	# the first two as they stand in the document that the project comes from
	rwx => <<'END',
pgBackRest:
  repoType: "rwx"
  repoPath: "/var/lib/pgbackrest"
  diffSchedule: "30 0/1 * * *"
  incrSchedule: "30 0/1 * * *"
  rwx:
    type: pv
    size: 3Gi
    volumes:
      - pg-backrest-backups-pv-1
END
	s3 => <<'END',
pgBackRest:
  repoType: "s3"
  repoPath: "/var/lib/pgbackrest"
  diffSchedule: "30 0/1 * * *"
  incrSchedule: "30 0/1 * * *"
  s3:
    bucket: "pgbackrest"
    endpoint: "https://minio-ingress-minio-service"
    key: "minio"
    secret: "minio123"
    region: "us-east-1"
    verifySsl: false
END
	provisioned => <<'END',
pgBackRest:
  repoType: "rwx"
  rwx:
    type: provisioned
    size: 5Gi
    storageClass: nfs
  resources:
    requests: {cpu: 1, memory: 128Mi}
    limits: {memory: 2Gi}
END
	existing => <<'END');
pgBackRest:
  repoType: "s3"
  existingSecret: backup-keys
  s3: {bucket: pgbackrest, endpoint: "https://s3.example.com", region: us-east-1}
END

1;
