/*
 * Keeps a CPU from halting: runs when nothing else wants to (start it in the SCHED_IDLE class). On
 * virtual machines waking a halted CPU costs the one who wakes it some ten microseconds, which
 * would be counted as the balancer's.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)alarm(7200);
	for (;;)
		__asm__ volatile("" ::: "memory");
}
