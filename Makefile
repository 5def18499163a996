# One PGXS Makefile: the extension, both programs, and every kind of test. `make help` lists the
# verbs.

PG_CONFIG ?= pg_config
EXTENSION = pgbackrest_ctl
MODULE_big = pgbackrest_ctl
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" pgbackrest_ctl.control)

# Where objects and programs go; `make B=build/asan SANITIZE=address,undefined` is a second build,
# `make B=build/coverage COVERAGE=1` a third.
B ?= build
SANITIZE ?=
COVERAGE ?=

# The upgrade scripts, and the install script: a file a subject, put together in the order of their
# numbers.
DATA = $(wildcard sql/*--*--*.sql)
DATA_built = $(B)/sql/$(EXTENSION)--$(EXTVERSION).sql

# the objects of a folder and of those in it
objects_of = $(patsubst src/%.c,$(B)/%.o,$(shell find src/$(1) -name '*.c'))

COMMON_OBJS = $(call objects_of,common)
PROGRAM_OBJS = $(call objects_of,program)
SIDECAR_OBJS = $(call objects_of,sidecar)
CTL_OBJS = $(call objects_of,ctl)
OBJS = $(call objects_of,extension) $(COMMON_OBJS)

PROGRAMS = $(B)/pgbackrest_sidecar $(B)/pgbackrest_ctl
FUZZERS = $(patsubst test/fuzz/%_fuzz.c,$(B)/fuzz/%,$(wildcard test/fuzz/*_fuzz.c))
UNIT_TESTS = $(patsubst test/unit/%.c,$(B)/unit/%,$(wildcard test/unit/*_test.c))
SOURCE_HEADERS = $(shell find src -name '*.h')

# our names are ours: another library with a strbuf_putc must not be met
SHLIB_LINK = -lcurl -lyaml -Wl,-Bsymbolic
EXTRA_CLEAN = build

# no bitcode: nothing here runs hot enough to inline
override with_llvm := no
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(PGXS),)
include $(PGXS)
else ifneq ($(filter-out build-deps test-deps test demo bench help,$(or $(MAKECMDGOALS),all)),)
$(error "$(PG_CONFIG)" was not found: run "make build-deps" as root, or give PG_CONFIG=PATH)
endif

WARNINGS = -Wall -Wextra -Werror -Wshadow=local -Wstrict-prototypes -Wmissing-prototypes -Wvla
# what PostgreSQL's own headers and macros need
PG_WARNINGS = $(WARNINGS) -Wno-unused-parameter -Wno-sign-compare -Wno-clobbered \
	-Wno-missing-field-initializers -Wno-cast-function-type -Wno-shadow
# src/common and the programs see no server header: including postgres.h there fails the build
FREE_CFLAGS = -std=gnu11 -D_GNU_SOURCE -O2 -g -fPIC $(WARNINGS) -Isrc -MMD -MP \
	-DPGBR_VERSION='"$(EXTVERSION)"' -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer \
	-U_FORTIFY_SOURCE) \
	$(if $(COVERAGE),--coverage -fprofile-update=atomic)
TIDY_CFLAGS = $(filter -std% -D% -I%,$(FREE_CFLAGS))
FREE_LDFLAGS = -Wl,--as-needed -Wl,-z,relro $(if $(SANITIZE),-fsanitize=$(SANITIZE)) \
	$(if $(COVERAGE),--coverage)
SIDECAR_LIBS = -lmicrohttpd -lgnutls -ljansson -lsqlite3 -llz4 -lpthread
CTL_LIBS = -lcurl -ljansson -lyaml

.PHONY: programs unit test-libs install-programs uninstall-programs help test check-unit \
	check-fuzz check-regress check-tap check-restore check-restore-more check-faults lint demo \
	bench build-deps test-deps sanitized covered fuzzers check-tidy check-valgrind coverage
all: programs
programs: $(PROGRAMS)

$(DATA_built): $(sort $(wildcard sql/install/*.sql)) pgbackrest_ctl.control
	@mkdir -p $(@D)
	awk 'FNR == 1 && NR > 1 { print "" } 1' $(filter %.sql,$^) >$@

$(B)/extension/%.o: src/extension/%.c $(SOURCE_HEADERS) pgbackrest_ctl.control
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(PG_WARNINGS) $(CFLAGS_SL) -DPGBR_VERSION='"$(EXTVERSION)"' -Isrc \
		$(CPPFLAGS) -c -o $@ $<

$(B)/common/%.o $(B)/program/%.o $(B)/sidecar/%.o $(B)/ctl/%.o: FLAGS = $(FREE_CFLAGS)
$(B)/%.o: src/%.c pgbackrest_ctl.control
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -c -o $@ $<

# what it does not link it does not hold in memory
$(B)/pgbackrest_sidecar: $(SIDECAR_OBJS) $(PROGRAM_OBJS) \
	$(patsubst %,$(B)/common/%.o,conninfo error memory moment recovery_target secret_file \
		sidecar_url strbuf visible vocabulary wal)
	$(CC) $(FREE_LDFLAGS) -o $@ $^ $(SIDECAR_LIBS)

$(B)/pgbackrest_ctl: $(CTL_OBJS) $(PROGRAM_OBJS) $(COMMON_OBJS)
	$(CC) $(FREE_LDFLAGS) -o $@ $^ $(CTL_LIBS)

# a unit test links what it names on its first line: "// links: sidecar/pgbackrest"
$(B)/unit/%: test/unit/%.c $(PROGRAM_OBJS) $(COMMON_OBJS) $(SIDECAR_OBJS) $(CTL_OBJS)
	@mkdir -p $(@D)
	$(CC) $(FREE_CFLAGS) -o $@ $< \
		$(patsubst %,$(B)/%.o,$(shell sed -n '1s|^// links: ||p' $<)) \
		$(PROGRAM_OBJS) $(COMMON_OBJS) \
		$(FREE_LDFLAGS) -lcmocka $(SIDECAR_LIBS) $(CTL_LIBS)
unit: $(UNIT_TESTS)

# a fuzzer names the folders it needs there: "// links: sidecar ctl", and takes of each what it
# calls; clang builds them (verb fuzzers)
fuzz_archives = $(patsubst %,$(B)/%.a,$(shell sed -n '1s|^// links: ||p' test/fuzz/$(1)_fuzz.c))
$(B)/sidecar.a: $(filter-out %/main.o,$(SIDECAR_OBJS))
$(B)/ctl.a: $(filter-out %/main.o,$(CTL_OBJS))
$(B)/sidecar.a $(B)/ctl.a:
	rm -f $@ && ar rc $@ $^
.SECONDEXPANSION:
$(FUZZERS): $(B)/fuzz/%: test/fuzz/%_fuzz.c test/fuzz/fuzz.h $$(call fuzz_archives,$$*) \
	$(PROGRAM_OBJS) $(COMMON_OBJS)
	@mkdir -p $(@D)
	$(CC) $(FREE_CFLAGS) -fsanitize=fuzzer -o $@ $(filter %.c %.o,$^) $(filter %.a,$^) \
		$(FREE_LDFLAGS) \
		$(SIDECAR_LIBS) $(CTL_LIBS)

# what tests preload into a server
test-libs: $(B)/clock_preload.so $(B)/memory_preload.so
$(B)/%.so: test/lib/%.c
	@mkdir -p $(@D)
	$(CC) $(FREE_CFLAGS) -shared -o $@ $<

fuzzers: ## the fuzzers, in build/fuzz/fuzz
	$(MAKE) -j2 B=build/fuzz CC=clang \
		WARNINGS='-Wall -Wextra -Werror -Wno-missing-field-initializers' \
		SANITIZE=fuzzer-no-link,address,undefined,float-cast-overflow \
		$(patsubst $(B)/%,build/fuzz/%,$(FUZZERS))

sanitized: ## the programs and the unit tests under ASan and UBSan, in build/asan
	$(MAKE) B=build/asan SANITIZE=address,undefined programs unit

covered: ## the programs and the unit tests that count which lines are run, in build/coverage
	$(MAKE) B=build/coverage COVERAGE=1 programs unit

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# where programs, the sidecar's unit and the configuration of both go, and whose the sidecar is
bindir_programs ?= /usr/local/bin
unitdir ?= /usr/local/lib/systemd/system
confdir ?= /etc/pgbackrest_ctl
sidecar_user ?= postgres
UNIT = pgbackrest_sidecar.service

install: install-programs
install-programs: programs
	install -d '$(DESTDIR)$(bindir_programs)' '$(DESTDIR)$(unitdir)'
	install -m 755 $(PROGRAMS) '$(DESTDIR)$(bindir_programs)'
	sed -e 's|/usr/local/bin/|$(bindir_programs)/|; s|/etc/pgbackrest_ctl/|$(confdir)/|' \
		-e 's/^\(User\|Group\)=.*/\1=$(sidecar_user)/' deploy/systemd/$(UNIT) \
		>'$(DESTDIR)$(unitdir)/$(UNIT)'
	chmod 644 '$(DESTDIR)$(unitdir)/$(UNIT)'
# a token file that root makes there gets the folder's group, which is the sidecar's
	[ -d '$(DESTDIR)$(confdir)' ] || { install -d '$(DESTDIR)$(confdir)' && \
		{ [ "$$(id -u)" != 0 ] || ! getent group '$(sidecar_user)' >/dev/null || \
		chgrp '$(sidecar_user)' '$(DESTDIR)$(confdir)'; }; }

# a configuration that is there stays
uninstall: uninstall-programs
uninstall-programs:
	rm -f $(patsubst $(B)/%,'$(DESTDIR)$(bindir_programs)/%',$(PROGRAMS))
	rm -f '$(DESTDIR)$(unitdir)/$(UNIT)'
	[ ! -d '$(DESTDIR)$(confdir)' ] || rmdir --ignore-fail-on-non-empty '$(DESTDIR)$(confdir)'

build-deps: ## install what the build needs, from Debian's packages (as root)
	test/install-deps build

test-deps: ## install that and what tests and demo need
	test/install-deps test

test: test-deps ## every test and lint; the last line is N passed, N failed
	test/run

check-unit check-regress check-tap check-restore lint: ## one kind of test alone
	test/run $(patsubst check-%,%,$@)

check-fuzz: ## the fuzzers alone; SECONDS=600 runs each for so long
	PGBR_FUZZ_SECONDS=$(SECONDS) test/run fuzz

check-restore-more: ## longer tests of restores, which make test leaves out
	test/run restore-more

check-faults: ## every fault at every step of a restore, of which check-restore has a part
	PGBR_FAULTS=all test/run $(wildcard test/restore/*_faults.pl)

check-tidy: test-deps ## clang-tidy, with the checks of .clang-tidy, on all of src but the extension
	find src/common src/program src/sidecar src/ctl -name '*.c' | sort | \
		xargs -P $$(nproc) -I{} clang-tidy-14 --quiet --warnings-as-errors="*" {} -- $(TIDY_CFLAGS)

check-valgrind: test-deps ## the unit tests under valgrind, as a second opinion to ASan
	PGBR_VALGRIND=1 test/run unit

coverage: test-deps ## which lines the tests of a suite run: SUITES='unit tap'; an hour for all
	PGBR_COVERAGE=1 test/run $(or $(SUITES),unit fuzz regress tap restore)

demo: test-deps ## backups and a restore of a Patroni cluster; REPO=s3: in S3, KEEP=1: stays up
	test/demo

bench: test-deps ## speed, as ratios measured side by side; writes docs/bench.md
	test/bench/run

help: ## this list
	@echo 'make                    build the extension and both programs'
	@echo 'make install            install them and the sidecar'"'"'s unit (DESTDIR is honoured)'
	@echo 'make uninstall          remove what install has put there'
	@sed -n 's/^\([a-z][a-z -]*\):.*## \(.*\)/\1\t\2/p' Makefile | \
		while IFS="$$(printf '\t')" read -r verb text; \
		do printf 'make %-18s %s\n' "$$verb" "$$text"; done
