"""The paper's table reproduced, the controls that explain it, and the ordinary recipe beside it."""
