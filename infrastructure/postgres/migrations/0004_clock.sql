-- A machine's clock may be set back. Until it has caught up, time moves as under a manual clock: on by 1 µs with every
-- write that reads it. Standing still would leave whatever is known now forever due and never decided.
create or replace function tierline_now() returns bigint language plpgsql volatile as $$
declare
    instant bigint;
begin
    if not (select manual from clock) then
        instant := tierline_peek();
        if instant > (select last_value from clock_floor) then
            -- Two sessions may race here; each subject's own last_instant keeps its order all the same.
            perform setval('clock_floor', instant);
            return instant;
        end if;
    end if;
    return nextval('clock_floor');
end $$;
