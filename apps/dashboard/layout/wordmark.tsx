/** Gross, what is taken off, net. */
export function Wordmark() {
  return (
    <span className="wordmark">
      <svg viewBox="0 0 18 16" width="20" height="18" aria-hidden="true">
        <rect className="mark" x="0" y="0" width="18" height="4" rx="1" />
        <rect className="mark-tare" x="0" y="6" width="6.5" height="4" rx="1" />
        <rect className="mark" x="6.5" y="12" width="11.5" height="4" rx="1" />
      </svg>
      Tare
    </span>
  );
}
