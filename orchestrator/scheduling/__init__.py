"""The parts of the scheduler: slots, races, queues, and what it asks of its neighbours."""
