import { LabIcon } from '@jupyterlab/ui-components';

/** Our mark, the tape: three bars. `jp-icon3` gives it the colour that Lab's own sidebar icons have. */
export const tapeIcon = new LabIcon({
  name: 'jupyter-sessions:tape',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="#616161">
    <rect x="2" y="3.4" width="8.6" height="2.2" rx=".8"/>
    <rect x="4.4" y="6.9" width="9.6" height="2.2" rx=".8"/>
    <rect x="2" y="10.4" width="5.6" height="2.2" rx=".8"/>
  </g>
</svg>`
});
