/*
 * Processes that evaluate a config only to learn something of it, with little room; they tell the
 * master and end.
 */
#ifndef NEAP_APP_PROBE_H
#define NEAP_APP_PROBE_H

/*
 * Started by root: as nobody, which user does it name? The agent then loads the config as that
 * user. ward: the generation's probe. Returns the exit status.
 */
int probe_main(void *ward, int channel);

/*
 * Before another generation takes over: what `neap -t` does with the policies, each pick hook once,
 * with the files of the generation. ward: its trial.
 */
int probe_try_main(void *ward, int channel);

#endif
