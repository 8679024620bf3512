import { monthName } from './month.ts';
import type { Month } from './month.ts';

interface Props {
  readonly month: Month;
  readonly offered: readonly Month[];
  readonly onChoose: (month: Month) => void;
}

export function MonthPicker({ month, offered, onChoose }: Props) {
  const months = offered.includes(month) ? offered : [...offered, month].sort().reverse();
  const [newer, older] = [months[months.indexOf(month) - 1], months[months.indexOf(month) + 1]];
  return (
    <div className="month-picker">
      <StepButton label="Earlier month" sign="‹" month={older} onChoose={onChoose} />
      <label>
        <span className="visually-hidden">Month</span>
        <select value={month} onChange={(event) => onChoose(event.target.value)}>
          {months.map((one) => (
            <option key={one} value={one}>
              {monthName(one)}
            </option>
          ))}
        </select>
      </label>
      <StepButton label="Later month" sign="›" month={newer} onChoose={onChoose} />
    </div>
  );
}

interface StepProps {
  readonly label: string;
  readonly sign: string;
  readonly month: Month | undefined;
  readonly onChoose: (month: Month) => void;
}

function StepButton({ label, sign, month, onChoose }: StepProps) {
  return (
    <button
      type="button"
      className="icon"
      aria-label={label}
      disabled={month === undefined}
      onClick={() => month !== undefined && onChoose(month)}
    >
      {sign}
    </button>
  );
}
