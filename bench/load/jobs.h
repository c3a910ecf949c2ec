/* The jobs a run can do; each opens its load and calls measure_start when it flows. */
#pragma once

void job_echo(void);
void job_rate(void);
void job_idle(void);
void job_up(void);
void job_down(void);
void job_setup(void);
void job_request(void);

/* "4711 of 5000 tunnels are open": what a run that never got ready reports. */
const char *job_progress(void);
void job_opened(int count, int wanted);
