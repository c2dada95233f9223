/*
 * The subcommands that are programs in Lua (lua/neap/<name>/), with flags of their own.
 */
#ifndef NEAP_APP_TOOLS_H
#define NEAP_APP_TOOLS_H

#include "base/err.h"

/* The module of the subcommand argv[1], or of NAME in "help NAME"; NULL: it is not one of these. */
const char *tools_find(int argc, char **argv);

/* Runs it with the arguments after argv[1]; *status is the exit status. */
enum err tools_run(const char *module, int argc, char **argv, int *status, struct error *e);

#endif
