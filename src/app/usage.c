#include "app/usage.h"

#include <stdio.h>
#include <string.h>

#include "app/options.h"
#include "base/cc.h"
#include "base/str.h"

struct usage_row {
	const char *verb;     /* NULL: none is written */
	const char *synopsis; /* after "neap " */
	const char *help;
	const char *options; /* the words of its options; NULL: it prints its own usage */
	const char *more;    /* NULL, or what its options mean here */
};

static const struct usage_row rows[] = {
	{ NULL, "[-c FILE]", "balance as the config says (./config.lua, /etc/neap/config.lua)",
	  NULL, NULL },
	{ NULL, "8081 8082 HOST:PORT", "balance over these backends, without a config", NULL,
	  NULL },
	{ "check", "check [-c FILE]", "check the config and its policies", "config", NULL },
	{ "reload", "reload", "start serving by the changed config; says how it went", "pid",
	  "It asks the one neap that runs here, or another one:\n\n"
	  "  -c, --config FILE      the one that its pid_file names, or that serves by it\n"
	  "  -p, --pid-file FILE    the one whose pid is in that file\n" },
	{ "status", "status [--json]", "what a running neap does, by its admin side",
	  "config admin json", NULL },
	{ "top", "top", "the same, live; q ends it", "config admin", NULL },
	{ "drain", "drain POOL BACKEND", "a backend gets nothing new; what it has under way ends",
	  "config admin token-file", NULL },
	{ "undrain", "undrain POOL BACKEND", "its checks and requests decide again, as at first",
	  "config admin token-file", NULL },
	{ "down", "down POOL BACKEND", "it gets nothing at all, until undrain",
	  "config admin token-file", NULL },
	{ "up", "up POOL BACKEND", "it gets requests whatever its checks find, until undrain",
	  "config admin token-file", NULL },
	{ "weight", "weight POOL BACKEND N", "its weight, 0 to 1000", "config admin token-file",
	  NULL },
	{ "explain", "explain [ID]", "why a request went where it went",
	  "config admin last pool failed json", NULL },
	{ "logs", "logs", "the last lines of its log files, and those that come (-f)",
	  "config follow filter last", NULL },
	{ "demo", "demo", "four toy backends, the balancer on :8080, a live table",
	  "listen tls workers backend", NULL },
	{ "init", "init DIR", "a project with a config, a policy and its spec", NULL, NULL },
	{ "convert", "convert FILE", "nginx.conf or haproxy.cfg to config.lua (convert --help)",
	  NULL, NULL },
	{ "sim", "sim", "try a policy in a simulation (neap sim --help)", NULL, NULL },
	{ "record", "record FILE", "keep what policies see of live traffic",
	  "config admin token-file seconds count redact keep", NULL },
	{ "replay", "replay FILE", "try a policy on what was recorded (neap replay --help)", NULL,
	  NULL },
};

static void print_all(void)
{
	for (size_t i = 0; i < countof(rows); i++)
		(void)printf("%s neap %-21s %s\n", i == 0 ? "usage:" : "      ", rows[i].synopsis,
			     rows[i].help);
	(void)printf("\n");
	options_print(NULL);
	(void)printf("\nneap help COMMAND says which of them go with a command.\n"
		     "Signals to the master: TERM, INT stop; QUIT drain, then stop; "
		     "HUP reload; USR1 reopen the log; USR2 upgrade.\n");
}

static void print_one(const struct usage_row *row)
{
	struct str rest = str_of(row->options), word;

	(void)printf("usage: neap %s%s\n\n%c%s.\n%s%s", row->synopsis,
		     strstr(row->synopsis, "[-") != NULL ? "" : " [OPTION]...",
		     row->help[0] - 'a' + 'A', row->help + 1, row->more != NULL ? row->more : "",
		     row->more != NULL ? "" : "\n");
	while (str_split(&rest, ' ', &word))
		options_print(&word);
	options_print(&STR("help"));
}

void usage_print(const char *verb)
{
	for (size_t i = 0; i < countof(rows); i++) {
		if (verb != NULL && rows[i].verb != NULL && rows[i].options != NULL &&
		    strcmp(verb, rows[i].verb) == 0) {
			print_one(&rows[i]);
			return;
		}
	}
	print_all();
}
