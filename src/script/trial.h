/*
 * A trial of the policies, in a process that serves nobody: `neap check` does it, and each generation
 * before it takes over. A made-up request goes through request, backends, pick, response and log; and
 * pick is called once for each other pool that a service may use.
 */
#ifndef NEAP_SCRIPT_TRIAL_H
#define NEAP_SCRIPT_TRIAL_H

#include <stdbool.h>

#include "script/policies.h"

/*
 * The policies are loaded. is_strict: a pick that keeps its objects is wrong, too (it is no harm to
 * traffic, so a reload may). Warnings are logged. The error's text has one line an error, as that
 * of policies_load.
 */
enum err trial_run(struct policies *p, bool is_strict, struct error *e);

#endif
