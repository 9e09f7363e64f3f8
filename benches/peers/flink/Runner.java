import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Scanner;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;

/**
 * Runs SQL programs in one JVM, so that all but the first find it warm.
 *
 * Arguments: the parallelism, a directory for checkpoints. For each line on standard input, the path of a program, runs
 * that program to its end and prints a line "cost WALL CPU PEAK": seconds on the clock, seconds of CPU time of the whole
 * process, MiB that it has held at most so far. State lives on the heap; checkpoints are exactly once, one each second.
 */
public final class Runner {
  public static void main(String[] arguments) throws Exception {
    Configuration settings = new Configuration();
    settings.setString("parallelism.default", arguments[0]);
    settings.setString("state.backend.type", "hashmap");
    settings.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
    settings.setString("execution.checkpointing.interval", "1 s");
    settings.setString("execution.checkpointing.storage", "filesystem");
    settings.setString("execution.checkpointing.dir", Path.of(arguments[1]).toAbsolutePath().toUri().toString());
    settings.setString("table.local-time-zone", "UTC");
    var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    Scanner programs = new Scanner(System.in);
    while (programs.hasNextLine()) {
      String program = Files.readString(Path.of(programs.nextLine()));
      System.gc();
      long wall = System.nanoTime();
      long cpu = system.getProcessCpuTime();
      run(program, settings);
      double cpuSeconds = (system.getProcessCpuTime() - cpu) / 1e9;
      double wallSeconds = (System.nanoTime() - wall) / 1e9;
      System.out.println("cost " + wallSeconds + " " + cpuSeconds + " " + peakMiB());
    }
  }

  /** Runs each statement; what is between BEGIN and END is one. */
  private static void run(String program, Configuration settings) throws Exception {
    TableEnvironment tables =
        TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(settings).build());
    String text = program.replaceAll("(?m)^\\s*--.*$", "").trim();
    int set = text.indexOf("EXECUTE STATEMENT SET");
    String single = set < 0 ? text : text.substring(0, set);
    for (String statement : single.split(";")) {
      if (!statement.isBlank()) {
        await(tables.executeSql(statement));
      }
    }
    if (set >= 0) {
      await(tables.executeSql(text.substring(set)));
    }
  }

  private static void await(TableResult result) throws Exception {
    if (result.getJobClient().isPresent()) {
      result.await();
    }
  }

  private static double peakMiB() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024;
      }
    }
    throw new IllegalStateException("/proc/self/status has no VmHWM");
  }
}
