/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _EXHAUST_H
#define _EXHAUST_H

#include <linux/types.h>

struct task_struct;

int memory_take(void);
void memory_give_back(void);

void entitled_tell(void);

int transfers_create(void);
bool transfers_run(void);
struct task_struct *transfers_task(void);
void transfers_give_up(void);
void transfers_tell(bool stuck);
void transfers_free(void);

int stall_create(void);
void stall_send(void);
void stall_free(void);

int workers_create(void);
void workers_take(void);
void workers_free(void);

void tell_state(struct task_struct *task);

#endif
