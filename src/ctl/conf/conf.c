/*
 * conf.c
 *		See conf.h.
 */
#include "ctl/conf/conf.h"

#include <stdlib.h>
#include <string.h>

void
conf_done(Conf *conf)
{
	for (size_t i = 0; i < conf->count; i++)
	{
		free(conf->options[i].name);
		free(conf->options[i].value);
	}
	free(conf->options);
	free(conf->problems);
	*conf = (Conf){0};
}

const ConfOption *
conf_find(const Conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->count; i++)
	{
		if (strcmp(conf->options[i].name, name) == 0)
			return &conf->options[i];
	}
	return NULL;
}

bool
conf_has_secrets(const Conf *conf)
{
	for (size_t i = 0; i < conf->count; i++)
	{
		if (conf->options[i].secret)
			return true;
	}
	return false;
}
