/*
 * Reads the command line: verb, options, backends.
 */
#ifndef NEAP_APP_CLI_H
#define NEAP_APP_CLI_H

#include "app/command.h"

/* ERR_INVALID: the text says what is wrong and what to do. */
enum err cli_parse(struct command *c, int argc, char **argv, struct error *e);

/*
 * Chooses the config, into settings.config: the one given with -c, else ./config.lua, else
 * /etc/neap/config.lua. Its name must end in .lua or .json.
 */
enum err cli_choose_config(struct command *c, struct error *e);

#endif
