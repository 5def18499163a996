/*
 * command.c
 *		See command.h. What a verb does is in its own file.
 */
#include "ctl/verbs/command.h"

#include "common/vocabulary.h"
#include "ctl/client/cluster_config.h"
#include "ctl/print/message.h"
#include "ctl/verbs/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS		  40
#define DEFAULT_TIMEOUT_S 30

static const Verb *const verbs[] = {
#define X(name) &verb_##name,
	VERBS(X)
#undef X
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

typedef struct CommonArguments
{
	SidecarSettings sidecar;
	const char *config;
	const char *format;
	bool help;
} CommonArguments;

#define COMMON(member) ARGUMENT(CommonArguments, member)

static const OptionSpec common_options[] = {
	{"format", 'f', OPTION_TEXT, COMMON(format), "FORMAT", NULL, 0, 0,
	 OUTPUT_FORMATS " (default: pretty)", false},
	{"config", 'c', OPTION_TEXT, COMMON(config), "FILE", "PGBRCTL_CONFIG", 0, 0,
	 "YAML with options (default: ~/" CLUSTER_CONFIG_USER ", " CLUSTER_CONFIG_SYSTEM ")", false},
	{"url", 0, OPTION_TEXT, COMMON(sidecar.url), "URL", "PGBRCTL_URL", 0, 0,
	 "the sidecar (default: " PGBR_DEFAULT_URL ")", false},
	{"token-file", 0, OPTION_TEXT, COMMON(sidecar.token_file), "FILE", "PGBRCTL_TOKEN_FILE", 0, 0,
	 "bearer token: the first word of its first line that is no comment", false},
	{"ca-file", 0, OPTION_TEXT, COMMON(sidecar.ca_file), "FILE", "PGBRCTL_CA_FILE", 0, 0,
	 "certificates to trust instead of the system's", false},
	{"cert-file", 0, OPTION_TEXT, COMMON(sidecar.cert_file), "FILE", "PGBRCTL_CERT_FILE", 0, 0,
	 "client certificate", false},
	{"key-file", 0, OPTION_TEXT, COMMON(sidecar.key_file), "FILE", "PGBRCTL_KEY_FILE", 0, 0,
	 "its key", false},
	{"timeout", 0, OPTION_COUNT, COMMON(sidecar.timeout), "SECONDS", "PGBRCTL_TIMEOUT", 1, 3600,
	 "how long the sidecar may take to answer (default: 30)", false},
	{"help", 'h', OPTION_FLAG, COMMON(help), NULL, NULL, 0, 0, "show this", false},
	{NULL},
};

/* The number of words that match the verb's name, at most two; 0 when it is another verb. */
static int
name_match(const char *name, char **words, int count)
{
	size_t first = strcspn(name, " ");

	if (count < 1 || strlen(words[0]) != first || strncmp(words[0], name, first) != 0)
		return 0;
	if (name[first] == '\0')
		return 1;
	return count > 1 && strcmp(words[1], name + first + 1) == 0 ? 2 : 0;
}

/* Find the verb that the words begin with; *taken is the number of words in its name. */
static const Verb *
find_verb(char **words, int count, int *taken)
{
	for (size_t i = 0; i < VERB_COUNT; i++)
	{
		*taken = name_match(verbs[i]->name, words, count);
		if (*taken > 0)
			return verbs[i];
	}
	return NULL;
}

static ExitCode
refuse_verb(char **words, int count, PgbrError *error)
{
	char several[200] = "";
	size_t length = strlen(words[0]);

	for (size_t i = 0; i < VERB_COUNT; i++)
	{
		const char *name = verbs[i]->name;
		size_t used = strlen(several);

		if (strncmp(name, words[0], length) == 0 && name[length] == ' ')
			snprintf(several + used, sizeof(several) - used, "%s\"%s\"", used > 0 ? ", " : "",
					 name);
	}
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "unknown verb \"%s%s%s\"", words[0],
				   several[0] && count > 1 ? " " : "", several[0] && count > 1 ? words[1] : "");
	if (several[0])
		pgbr_error_hint(error, "There is %s.", several);
	else
		pgbr_error_hint(error, "\"" PROGRAM_NAME " help\" lists the verbs.");
	return EXIT_USAGE;
}

static void
print_help(void)
{
	static const struct
	{
		int code;
		const char *text;
	} exit_codes[] = {
#define X(name, value, text) {value, text},
		EXIT_CODES(X)
#undef X
	};

	printf("%s asks a pgbackrest sidecar for backups, shows them, and restores the cluster.\n\n",
		   PROGRAM_NAME);
	printf("Usage:\n  %s VERB [OPTION]...\n  %s help [VERB]\n  %s --version\n\nVerbs:\n",
		   PROGRAM_NAME, PROGRAM_NAME, PROGRAM_NAME);
	for (size_t i = 0; i < VERB_COUNT; i++)
		printf("  %-14s %s\n", verbs[i]->name, verbs[i]->summary);
	printf("\nOptions of every verb:\n");
	options_print(stdout, common_options);
	printf("The token may also be in PGBRCTL_TOKEN.\n\nExit codes:\n");
	for (size_t i = 0; i < sizeof(exit_codes) / sizeof(exit_codes[0]); i++)
		printf("  %3d  %s\n", exit_codes[i].code, exit_codes[i].text);
}

static void
print_verb_help(const Verb *verb)
{
	printf("%s %s: %s\n\n", PROGRAM_NAME, verb->name, verb->summary);
	printf("Usage:\n  %s %s [OPTION]...%s%s\n\n%s", PROGRAM_NAME, verb->name,
		   verb->operand ? " " : "", verb->operand ? verb->operand : "", verb->description);
	if (verb->options)
	{
		printf("\nOptions:\n");
		options_print(stdout, verb->options);
	}
	printf("\nThe options of every verb and the exit codes: \"%s help\".\n", PROGRAM_NAME);
}

/* Add rows to a table, with offsets turned into the addresses of members of the arguments. A verb
 * with more options than MAX_OPTIONS is a bug that shows at its first run. */
static int
add_options(OptionSpec *specs, int count, const OptionSpec *rows, void *arguments)
{
	for (; rows && rows->name; rows++)
	{
		if (count + 1 == MAX_OPTIONS)
			abort();
		specs[count] = *rows;
		specs[count].target = (char *) arguments + (size_t) rows->target;
		count++;
	}
	return count;
}

static bool
parse(const Verb *verb, int argc, char **argv, CommonArguments *common, void *arguments,
	  const char **operand, PgbrError *error)
{
	OptionSpec specs[MAX_OPTIONS] = {{NULL}};
	int count = add_options(specs, 0, verb->options, arguments);
	int operands;

	add_options(specs, count, common_options, common);
	if (!options_parse(specs, argc, argv, &operands, error))
		return pgbr_error_hint(error, "Try \"" PROGRAM_NAME " help %s\".", verb->name);
	*operand = operands > 0 ? argv[1] : NULL;
	if (common->help)
		return true;
	if (operands > (verb->operand ? 1 : 0))
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "too many arguments: \"%s\"", argv[operands]);
	else if (operands == 0 && verb->operand && verb->operand[0] != '[')
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "%s needs an argument: %s", verb->name,
					   verb->operand);
	else
		return true;
	return pgbr_error_hint(error, "Try \"" PROGRAM_NAME " help %s\".", verb->name);
}

static bool
take_format(Context *context, const char *format, PgbrError *error)
{
	if (format == NULL || output_format_parse(format, &context->format))
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --format", format);
	return pgbr_error_hint(error, "Use one of " OUTPUT_FORMATS ".");
}

/* Everything that happens before a request is sent. */
static bool
prepare(Context *context, const Verb *verb, CommonArguments *common, ClusterConfig *config,
		PgbrError *error)
{
	if (!take_format(context, common->format, error))
		return false;
	if (verb->alone)
		return true;
	if (!cluster_config_load(config, common->config, error))
		return false;
	cluster_config_apply(config, &common->sidecar);
	if (common->sidecar.url == NULL)
		common->sidecar.url = PGBR_DEFAULT_URL;
	if (common->sidecar.timeout == 0)
		common->sidecar.timeout = DEFAULT_TIMEOUT_S;
	return pgbr_http_init(error) && sidecar_client_init(&context->client, &common->sidecar, error);
}

static ExitCode
run_verb(const Verb *verb, int argc, char **argv, PgbrError *error)
{
	CommonArguments common = {.format = NULL};
	ClusterConfig config;
	Context context = {.format = OUTPUT_PRETTY, .config = &config};
	void *arguments = calloc(1, verb->arguments_size + 1);
	const char *operand = NULL;
	ExitCode code = EXIT_OK;

	if (arguments == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return exit_code_of(error);
	}
	if (!parse(verb, argc, argv, &common, arguments, &operand, error))
		code = exit_code_of(error);
	else if (common.help)
		print_verb_help(verb);
	else if (!prepare(&context, verb, &common, &config, error))
		code = exit_code_of(error);
	else
		code = verb->run(&context, arguments, operand, error);
	free(arguments);
	return code;
}

/* "help" and "help VERB" */
static ExitCode
run_help(char **words, int count, PgbrError *error)
{
	int taken;
	const Verb *verb = find_verb(words, count, &taken);

	if (count > 0 && verb == NULL)
		return refuse_verb(words, count, error);
	if (verb)
		print_verb_help(verb);
	else
		print_help();
	return EXIT_OK;
}

static ExitCode
dispatch(int argc, char **argv, PgbrError *error)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	int taken;
	const Verb *verb = find_verb(argv + 1, argc - 1, &taken);

	if (verb)
		return run_verb(verb, argc - taken, argv + taken, error);
	if (word == NULL)
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "no verb is given");
	else if (strcmp(word, "help") == 0)
		return run_help(argv + 2, argc - 2, error);
	else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "-?") == 0)
		return run_help(NULL, 0, error);
	else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
	{
		printf("%s %s\n", PROGRAM_NAME, PGBR_VERSION);
		return EXIT_OK;
	}
	else if (word[0] == '-')
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "the verb comes before its options: \"%s\"", word);
	else
		return refuse_verb(argv + 1, argc - 1, error);
	pgbr_error_hint(error, "\"" PROGRAM_NAME " help\" lists the verbs.");
	return EXIT_USAGE;
}

int
command_main(int argc, char **argv)
{
	PgbrError error = PGBR_ERROR_INIT;
	ExitCode code = dispatch(argc, argv, &error);

	if (code == EXIT_OK && (fflush(stdout) != 0 || ferror(stdout)))
	{
		pgbr_error_set(&error, PGBR_ERROR_INTERNAL, "could not write to standard output");
		code = EXIT_FAILED;
	}
	if (code != EXIT_OK)
		message_error(&error);
	return code;
}
