/*
 * What a process was started with and did not ask for: closed standard descriptors, blocked and
 * ignored signals (both outlive exec). It is settled before anything else happens.
 */
#ifndef NEAP_FLEET_INHERITED_H
#define NEAP_FLEET_INHERITED_H

#include "base/err.h"

/*
 * Closed descriptors from 0 to 2 become /dev/null, so that no socket gets their number. No signal
 * is blocked. CHLD, TERM, USR1, USR2, ALRM and PROF do what they usually do. PIPE and XFSZ are
 * ignored, so that errno tells why a write failed. HUP, INT and QUIT stay as they are: `nohup neap
 * record` and `neap top &` in a script rely on it. The master handles them in any case, as nginx
 * does, so HUP reloads under nohup as well.
 */
enum err inherited_settle(struct error *e);

/*
 * Before another program is started: PIPE and XFSZ do what they usually do, no signal is blocked.
 */
void inherited_restore(void);

#endif
