/*
 * Processes that evaluate a config only to learn something of it. Their limits are small; they tell
 * the master and end.
 */
#ifndef NEAP_APP_PROBE_H
#define NEAP_APP_PROBE_H

/*
 * Asks, as nobody, which user the config names; only where root started neap. The agent then loads
 * the config as that user. ward: the generation's probe. Returns the exit status.
 */
int probe_main(void *ward, int channel);

/*
 * Does what `neap -t` does with the policies, each pick hook once, with the files of the
 * generation, before it takes another one's place. ward: its trial. Returns the exit status.
 */
int probe_try_main(void *ward, int channel);

#endif
