// pm2 start deploy/pm2/ecosystem.config.js, in the folder of .env
module.exports = {
  apps: [
    {
      name: "evergreen",
      script: "./evergreen",
      args: "run --api",
      interpreter: "none", // it is a program, not a script
      exec_mode: "fork",
      instances: 1, // two with one token take the session from each other
      kill_timeout: 20000, // longer than SHUTDOWN_GRACE
      stop_exit_codes: [0, 78], // stopped as asked; needs a person. A crash ends with 2
      exp_backoff_restart_delay: 200,
      watch: false,
    },
  ],
};
