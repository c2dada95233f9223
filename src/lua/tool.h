/*
 * Programs in Lua that are part of the binary (neap sim). Each runs in a Lua state of its own, with
 * all of Lua's libraries and the embedded modules, but without a board, a loop, or the functions of
 * abi.h. User code that does not come back ends the program: see lua/neap/watch.lua.
 */
#ifndef NEAP_LUA_TOOL_H
#define NEAP_LUA_TOOL_H

#include "base/err.h"

struct tool {
	const char *module;
	int argc;
	char **argv;
	/*
	 * User code is stuck in a function of C, where nothing stops it. `who` says whose policy it
	 * is. Called in a signal handler; must not come back.
	 */
	void (*on_stuck)(const char *who);
};

/*
 * Runs the function that the module returns, with a list of the arguments. It returns the exit
 * status, or nil and what is wrong (one line an error). ERR_INVALID: something is wrong;
 * ERR_SCRIPT: it erred, and e->text has a traceback.
 */
enum err tool_run(const struct tool *t, int *status, struct error *e);

#endif
