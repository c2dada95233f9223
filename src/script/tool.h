/*
 * Programs in Lua that are part of the binary (neap sim): each runs in a Lua state of its own,
 * which has all of Lua's libraries and the embedded modules, but no board, no loop and none of the
 * functions of abi.h at work. User code that does not come back ends the program: see
 * lua/neap/watch.lua.
 */
#ifndef NEAP_SCRIPT_TOOL_H
#define NEAP_SCRIPT_TOOL_H

#include "base/err.h"

struct tool {
	const char *module;
	int argc;
	char **argv;
	/*
	 * User code is stuck in a function of C, where nothing stops it. Called in a signal handler,
	 * and does not come back; who: whose policy it is.
	 */
	void (*on_stuck)(const char *who);
};

/*
 * Runs the function that the module returns with a list of the arguments. It returns the exit
 * status, or nil and what is wrong (one line an error). ERR_INVALID: it did the latter; ERR_SCRIPT:
 * it erred, e->text has a traceback.
 */
enum err tool_run(const struct tool *t, int *status, struct error *e);

#endif
