/*
 * What the command line says about the config, and what overrides it; the same for every
 * generation. Plain pointers into argv and main's frame, which outlive everything.
 */
#ifndef NEAP_FLEET_SETTINGS_H
#define NEAP_FLEET_SETTINGS_H

#include <stdbool.h>

struct settings {
	const char *config;   /* path as the user wrote it, or the name of text */
	const char *folder;   /* where it was started: paths are relative to it */
	const char *text;     /* the config itself when it is no file; NULL: read the file */
	const char *pid_file; /* overrides the config's; NULL: the config's */
	unsigned workers;     /* overrides the config's; 0: the config's */
	bool must_watch;      /* --watch: reload when a file of the config changes */
	bool must_detach;     /* -d: standard error goes away when it is ready */
};

#endif
